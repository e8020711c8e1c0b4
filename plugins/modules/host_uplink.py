#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_uplink
short_description: Write a host's address down, and undo it where the host is lost by that
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Gives the interface that carries a host's address that address by C(systemd-networkd), or by netplan where netplan's
    files configure the interface, with a second interface as its backup if wanted.
  - As C(netplan try) does, the host goes back to the network it had unless the change is confirmed within O(seconds),
    over a connection that was made after it, by a second call with O(state=confirmed). A timer of systemd does that, so
    that it needs neither the controller nor the connection; where the host is booted meanwhile, it goes back before
    networkd starts.
  - Routes that others put on the interface, as a container network does, are put there again after the change. Beside
    the file that configures the interface it writes C(KeepConfiguration=static), since networkd otherwise takes the
    address away for a moment at every reload in which that file has changed, and the kernel drops all routes with it.
  - Fails, before anything is touched and with all reasons at once, where the network cannot be as wanted.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
options:
  interface:
    description: Name of the interface.
    type: str
    required: true
    version_added: 0.1.0
  mac:
    description: The MAC address that it was made with; an interface with another one is refused.
    type: str
    version_added: 0.1.0
  address:
    description:
      - Address with the length of its network's prefix. Where it is not said, addresses stay as they are, and only the
        routes of others are looked after.
    type: str
    version_added: 0.1.0
  gateway:
    description: Router of the default route.
    type: str
    version_added: 0.1.0
  dns:
    description: Name servers.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  bond:
    description:
      - Has the address on an active-backup bond of the interface and a second one. The bond has the MAC address of the
        interface, whichever of the two carries the traffic, so that leases and neighbours' tables stay right.
    type: dict
    version_added: 0.1.0
    suboptions:
      name:
        description: Name of the bond.
        type: str
        default: bond0
        version_added: 0.1.0
      backup:
        description: Interface that carries the traffic only while the first one has no carrier.
        type: str
        required: true
        version_added: 0.1.0
      backup_mac:
        description: The MAC address that it was made with; an interface with another one is refused.
        type: str
        version_added: 0.1.0
  seconds:
    description: How long the change waits for its confirmation.
    type: int
    default: 60
    version_added: 0.1.0
  state:
    description: V(present) makes the change, V(confirmed) has one stay.
    type: str
    choices: [present, confirmed]
    default: present
    version_added: 0.1.0
  token:
    description: The change that is confirmed, RV(token) of the first call.
    type: str
    version_added: 0.1.0
attributes:
  platform:
    platforms: linux
"""

EXAMPLES = r"""
- name: Write the address down
  fletcherlabs.homelab.host_uplink:
    interface: enx6c1ff71be8c8
    mac: 6c:1f:f7:1b:e8:c8
    address: 192.168.10.21/24
    gateway: 192.168.10.1
    dns: [192.168.10.1]
  register: uplink

- name: Have it stay, now that the host answers a new connection
  fletcherlabs.homelab.host_uplink:
    interface: enx6c1ff71be8c8
    address: 192.168.10.21/24
    gateway: 192.168.10.1
    state: confirmed
    token: "{{ uplink.token }}"
  vars:
    ansible_ssh_args: -o ControlMaster=no -o ControlPath=none
  register: confirmed
  until: confirmed is success and confirmed.confirmed
  retries: 10
  delay: 2
  when: uplink.token != ''
"""

RETURN = r"""
actions:
  description: What was done or begun, or would be in check mode.
  type: list
  elements: dict
  returned: when O(state=present)
  sample:
    - kind: write
      target: /etc/systemd/network/05-homelab-enx6c1ff71be8c8.network
      sentence: write /etc/systemd/network/05-homelab-enx6c1ff71be8c8.network
token:
  description: What confirms the change that was begun; empty where none was.
  type: str
  returned: when O(state=present)
  sample: 5f0f4c2d7e1a9b33
confirmed:
  description: Whether the change stays; false where the new network has only just come, so that one has to ask again.
  type: bool
  returned: when O(state=confirmed)
problems:
  description: Why nothing was done, one sentence each.
  type: list
  elements: str
  returned: failure
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandError, run_program
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._uplink import arm, guard
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._uplink.model import (
    Bond,
    Found,
    Nic,
    Plan,
    Static,
    UplinkError,
    Wanted,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._uplink.plan import difference, lacks, plan
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._uplink.probe import dump, gateway_answers, probe

BOND = {
    "name": {"type": "str", "default": "bond0"},
    "backup": {"type": "str", "required": True},
    "backup_mac": {"type": "str"},
}
SPEC = {
    "interface": {"type": "str", "required": True},
    "mac": {"type": "str"},
    "address": {"type": "str"},
    "gateway": {"type": "str"},
    "dns": {"type": "list", "elements": "str", "default": []},
    "bond": {"type": "dict", "options": BOND},
    "seconds": {"type": "int", "default": 60},
    "state": {"type": "str", "choices": ["present", "confirmed"], "default": "present"},
    "token": {"type": "str", "no_log": False},
}
ROOT = Path("/")


def wanted_from(options: Mapping[str, Any]) -> Wanted:
    bond = options["bond"]
    return Wanted(
        Nic(options["interface"], lower(options["mac"])),
        Static(options["address"], options["gateway"], tuple(options["dns"])) if options["address"] else None,
        Bond(bond["name"], Nic(bond["backup"], lower(bond["backup_mac"]))) if bond else None,
    )


def lower(mac: str | None) -> str | None:
    return mac.lower().replace("-", ":") if mac else None


def change(module: AnsibleModule, wanted: Wanted) -> dict[str, Any]:
    arm.await_earlier(run_program, module.params["seconds"] + 30)
    found = probe(run_program, wanted, ROOT)
    todo = plan(wanted, found, dump)
    if todo.problems:
        raise UplinkError(todo.problems)
    token = "" if module.check_mode else carry_out(wanted, found, todo, module.params["seconds"])
    for sentence in todo.warnings:
        module.warn(sentence)
    return {
        "changed": bool(todo.actions),
        "actions": [action.as_dict() for action in todo.actions],
        "token": token,
        "diff": difference(wanted, found, todo),
    }


def carry_out(wanted: Wanted, found: Found, todo: Plan, seconds: int) -> str:
    for path, content in todo.quiet.items():
        guard.write(path, content)
    return arm.begin(run_program, wanted, found, todo, seconds) if todo.guarded else ""


def confirm(token: str, wanted: Wanted) -> dict[str, Any]:
    switched = guard.is_switched(token)
    if switched is False:
        return {"changed": False, "confirmed": False}
    found = probe(run_program, wanted, ROOT)
    missing = list(lacks(wanted, wanted.static, found)) if wanted.static and switched else []
    if missing:
        raise UplinkError([f"the change of the network is not kept, since {missing[0]} ({wanted.carrier})"])
    if switched and wanted.static and not gateway_answers(wanted):
        raise UplinkError(
            [f"the change of the network is not kept, since its gateway {wanted.static.gateway} answers no ARP"]
        )
    if switched is None or not guard.confirm(token):
        raise UplinkError(["the change of the network is undone, for its confirmation came too late; run again"])
    return {"changed": True, "confirmed": True}


def main() -> None:
    module = AnsibleModule(
        argument_spec=SPEC,
        supports_check_mode=True,
        required_if=[("state", "confirmed", ("token",))],
        required_together=[("address", "gateway")],
        required_by={"bond": "address"},
    )
    try:
        wanted = wanted_from(module.params)
        confirming = module.params["state"] == "confirmed"
        result = confirm(module.params["token"], wanted) if confirming else change(module, wanted)
    except UplinkError as error:
        module.fail_json(msg=str(error), problems=error.reasons)
    except CommandError as error:
        module.fail_json(msg=str(error), problems=[])
    module.exit_json(**result)


if __name__ == "__main__":
    main()
