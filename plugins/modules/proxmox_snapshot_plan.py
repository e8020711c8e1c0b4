#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: proxmox_snapshot_plan
short_description: Which snapshot of a virtual machine is made, which go, and whether there is a way back
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Looks at a machine's snapshots and says what the new one is called and which of this collection's own go for it, or
    whether there is a way back to one.
  - C(community.proxmox.proxmox_snap) reports no change in check mode, and its retention removes everybody's snapshots;
    with this one before it, a rehearsal tells the truth and other people's snapshots stay.
  - Changes nothing on the node. RV(changed) says that there is something to do.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
  - fletcherlabs.homelab.proxmox
requirements:
  - proxmoxer (Python package, 2.3 or newer)
options:
  name:
    description: Name of the machine.
    type: str
    required: true
    version_added: 0.1.0
  reason:
    description: Why a snapshot is made, one word for its name.
    type: str
    default: manual
    version_added: 0.1.0
  stamp:
    description: The time in its name, such as V(20261123T101500).
    type: str
    default: ""
    version_added: 0.1.0
  keep:
    description: How many of this collection's snapshots there are afterwards.
    type: int
    default: 3
    version_added: 0.1.0
  back_to:
    description: A snapshot to go back to, instead of a new one.
    type: str
    default: ""
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Plan a snapshot before an upgrade
  fletcherlabs.homelab.proxmox_snapshot_plan:
    api_host: 192.168.10.100
    api_user: ansible@pve
    api_token_id: homelab
    api_token_secret: "{{ homelab_proxmox_token_secret }}"
    ca_path: ~/.config/fletcherlabs.homelab/pve-root-ca.pem
    name: k3s-master1
    reason: upgrade
    stamp: "{{ now(utc=true, fmt='%Y%m%dT%H%M%S') }}"
  delegate_to: localhost
"""

RETURN = r"""
changed:
  description: Whether there is something to do.
  type: bool
  returned: success
vmid:
  description: The machine's id.
  type: int
  returned: success
snapshot:
  description: The snapshot that is made, or gone back to.
  type: str
  returned: success
  sample: homelab-upgrade-20261123T101500
expired:
  description: Snapshots of this collection that go for it, the oldest first.
  type: list
  elements: str
  returned: success
actions:
  description: What is to be done, in its order.
  type: list
  elements: dict
  returned: success
problems:
  description: Why nothing may be done, one sentence each.
  type: list
  elements: str
  returned: failure
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.arguments import CONNECTION, connected
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.client import (
    PROXMOXER_PROBLEM,
    Node,
    ProxmoxError,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.snapshots import (
    Snapshot,
    SnapshotPlan,
    Wish,
    plan_snapshot,
)

SPEC = {
    **CONNECTION,
    "name": {"type": "str", "required": True},
    "reason": {"type": "str", "default": "manual"},
    "stamp": {"type": "str", "default": ""},
    "keep": {"type": "int", "default": 3},
    "back_to": {"type": "str", "default": ""},
}


def look(node: Node, wish: Wish) -> tuple[SnapshotPlan, list[str]]:
    """The plan, and the snapshots that are there."""
    machine = next((each for each in node.machines() if each.name == wish.machine), None)
    if machine is None:
        return plan_snapshot(wish, None, {}, (), {}), []
    rows = node.snapshots(machine.node, machine.vmid)
    found = [Snapshot(row["name"], int(row.get("snaptime", 0))) for row in rows]
    config, storages = node.config(machine), node.storages(machine.node)
    return plan_snapshot(wish, machine, config, found, storages), [each.name for each in found]


def actions_of(todo: SnapshotPlan, wish: Wish) -> list[dict[str, str]]:
    """One sentence for each thing to do."""
    if wish.back_to:
        sentence = f"{wish.machine}: go back to {todo.name} and start it; what was written since is lost"
        return [{"kind": "roll_back", "target": wish.machine, "sentence": sentence}]
    made = {"kind": "snapshot", "target": wish.machine, "sentence": f"{wish.machine}: make the snapshot {todo.name}"}
    gone = [
        {"kind": "expire", "target": wish.machine, "sentence": f"{wish.machine}: remove the snapshot {name}"}
        for name in todo.expired
    ]
    return [made, *gone]


def report(todo: SnapshotPlan, wish: Wish, there: list[str]) -> dict[str, Any]:
    """The result of a plan that may be carried out."""
    after = there if wish.back_to else [name for name in there if name not in todo.expired] + [todo.name]
    return {
        "changed": True,
        "vmid": todo.vmid,
        "snapshot": todo.name,
        "expired": list(todo.expired),
        "actions": actions_of(todo, wish),
        "diff": {"before": {"snapshots": there}, "after": {"snapshots": after}},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if PROXMOXER_PROBLEM:
        module.fail_json(msg=missing_required_lib("proxmoxer"), exception=PROXMOXER_PROBLEM)
    given = module.params
    wish = Wish(given["name"], given["reason"], given["stamp"], given["keep"], given["back_to"])
    try:
        todo, there = look(connected(given), wish)
    except ProxmoxError as error:
        place = f"{given['api_host']}:{given['api_port']}"
        module.fail_json(msg=f"nothing was changed, since at {place} {error}", problems=[str(error)])
    if todo.problems:
        module.fail_json(msg="nothing was changed, since " + "; ".join(todo.problems), problems=list(todo.problems))
    module.exit_json(**report(todo, wish, there))


if __name__ == "__main__":
    main()
