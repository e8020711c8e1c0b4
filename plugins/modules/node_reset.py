#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_reset
short_description: Take K3s and what Cilium left behind off a host, in a safe order
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Removes, in this order, what Cilium made (network interfaces, routing rules, packet filter rules, BPF programs,
    files), K3s' services, the processes of its containers, their mounts and network, and the files of K3s and kubelet.
  - Looks at the mount table first. A mount below C(/var/lib/kubelet) or C(/var/lib/rancher/k3s) that neither kubelet
    nor containerd made, a line of C(/etc/fstab) about those places, a symbolic link in their place, and files that lie
    on a network file system or on a data disk are refused, with all reasons at once and before anything is touched.
  - Nothing is removed through a symbolic link or across the border of a mount, which is looked at before each descent
    into a directory.
  - Never touched are data disks below C(/mnt), C(/media), C(/srv), C(/home), C(/var/lib/longhorn), the volumes of the
    local-path provisioner in C(/var/lib/rancher/k3s/storage), and configuration of other container networks.
  - Every step is judged from what is there, so a run after an interrupted one finishes its work.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
options:
  host:
    description: The host's name.
    type: str
    required: true
    version_added: 0.1.0
  confirm:
    description: The name of the host that the owner means. Anything but O(host) is refused.
    type: str
    required: true
    version_added: 0.1.0
  erase_datastore:
    description:
      - Whether the datastore, token and keys of a server may go. A host that has them is refused otherwise. Snapshots
        that lie on the host go with them.
    type: bool
    default: false
    version_added: 0.1.0
  forget_node_password:
    description:
      - Whether C(/etc/rancher/node) goes as well. With the password in it the host may join again as the same node;
        without it the cluster refuses the name until its Node object or password Secret has been deleted.
    type: bool
    default: false
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Take K3s off this host
  fletcherlabs.homelab.node_reset:
    host: "{{ inventory_hostname }}"
    confirm: "{{ confirm }}"
  register: reset

- name: Boot it where the kernel still holds parts of the container network
  ansible.builtin.reboot:
  when: reset.reboot_required
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in order.
  type: list
  elements: dict
  returned: success
  sample:
    - kind: delete_link
      target: cilium_host
      sentence: delete the network interface cilium_host
reboot_required:
  description: Whether the host has to boot before K3s runs on it again; stays so until it does.
  type: bool
  returned: success
reboot_reason:
  description: Why it has to boot; empty when it need not.
  type: str
  returned: success
kept:
  description: Directories with data that K3s or Longhorn made, and that were left.
  type: list
  elements: str
  returned: success
  sample: [/var/lib/rancher/k3s/storage]
reasons:
  description: Why nothing was done, or what could not be done, one sentence each.
  type: list
  elements: str
  returned: failure
"""

from collections.abc import Sequence

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandError
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.apply import carry_out
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.model import ResetError, Wish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.plan import difference, plan, reboot_reason
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.probe import Host, kept, probe

SPEC = {
    "host": {"type": "str", "required": True},
    "confirm": {"type": "str", "required": True},
    "erase_datastore": {"type": "bool", "default": False},
    "forget_node_password": {"type": "bool", "default": False, "no_log": False},
}
ROOT = ""


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)

    def run(argv: Sequence[str]) -> tuple[int, str, str]:
        return module.run_command(list(argv), handle_exceptions=False)

    def feed(argv: Sequence[str], text: str) -> tuple[int, str, str]:
        return module.run_command(list(argv), data=text, binary_data=True, handle_exceptions=False)

    host, wish = Host(run, feed, ROOT), Wish(**module.params)
    try:
        found = probe(host)
        actions = plan(wish, found)
        if not module.check_mode:
            carry_out(host, wish, actions)
    except ResetError as error:
        module.fail_json(msg=f"{wish.host}: {error}", reasons=error.reasons)
    except CommandError as error:
        module.fail_json(msg=f"{wish.host}: {error}", cmd=list(error.argv), rc=error.status, stderr=error.stderr)
    reason = reboot_reason(found, actions)
    module.exit_json(
        changed=bool(actions),
        actions=[action.as_dict() for action in actions],
        reboot_required=bool(reason),
        reboot_reason=reason,
        kept=kept(host),
        diff=difference(actions),
    )


if __name__ == "__main__":
    main()
