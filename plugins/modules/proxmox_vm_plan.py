#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: proxmox_vm_plan
short_description: What a virtual machine on Proxmox VE needs to be as the inventory wants it
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Looks at a machine through the API and says what is to be done, in which order, and what speaks against it.
  - The modules of C(community.proxmox) have no check mode; with this one before them, a rehearsal tells what they would
    do.
  - Changes nothing on the node. RV(changed) says that there is something to do.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
  - fletcherlabs.homelab.proxmox
requirements:
  - proxmoxer (Python package, 2.3 or newer)
options:
  wanted:
    description: The machine.
    type: dict
    required: true
    version_added: 0.1.0
    suboptions:
      name:
        description: Its name, which the cluster has once.
        type: str
        required: true
        version_added: 0.1.0
      node:
        description: The node that it runs on.
        type: str
        required: true
        version_added: 0.1.0
      vmid:
        description: Its id; V(0) is the next free one.
        type: int
        default: 0
        version_added: 0.1.0
      cores:
        description: Virtual processors.
        type: int
        required: true
        version_added: 0.1.0
      memory_mib:
        description: Memory in MiB.
        type: int
        required: true
        version_added: 0.1.0
      disk_gib:
        description: Size of its disk in GiB. A disk grows, and is never made smaller.
        type: int
        required: true
        version_added: 0.1.0
      storage:
        description: Where its disk lies.
        type: str
        required: true
        version_added: 0.1.0
      bridge:
        description: The bridge of the node that it is on.
        type: str
        required: true
        version_added: 0.1.0
      vlan:
        description: Its VLAN; V(0) is none.
        type: int
        default: 0
        version_added: 0.1.0
      image:
        description: The cloud image that its disk is made from.
        type: dict
        default: {}
        version_added: 0.1.0
        suboptions:
          storage:
            description: Where the image lies, a storage with content C(import).
            type: str
            default: local
            version_added: 0.1.0
          url:
            description: Where the node downloads it.
            type: str
            default: ""
            version_added: 0.1.0
          sha256:
            description: Its digest.
            type: str
            default: ""
            version_added: 0.1.0
          file:
            description: Its name in the storage; empty for one of the address and the digest.
            type: str
            default: ""
            version_added: 0.1.0
      address:
        description: Its address with the prefix length.
        type: str
        required: true
        version_added: 0.1.0
      gateway:
        description: Its gateway.
        type: str
        required: true
        version_added: 0.1.0
      dns:
        description: Its DNS servers.
        type: list
        elements: str
        default: []
        version_added: 0.1.0
      search_domain:
        description: Its search domain.
        type: str
        default: ""
        version_added: 0.1.0
      user:
        description: The user that cloud-init makes.
        type: str
        required: true
        version_added: 0.1.0
      ssh_keys:
        description: Public keys that let into that user.
        type: list
        elements: str
        required: true
        version_added: 0.1.0
      start_at_boot:
        description: Whether it starts with the node.
        type: bool
        default: true
        version_added: 0.1.0
      start_order:
        description: Its place among the machines that start with the node; V(0) is none.
        type: int
        default: 0
        version_added: 0.1.0
      adopt:
        description: Whether a machine of that name that somebody else made becomes this one.
        type: bool
        default: false
        version_added: 0.1.0
      restart:
        description: Whether it is shut down and started when what was set needs that.
        type: bool
        default: false
        version_added: 0.1.0
  ca_copy:
    description:
      - With O(api_fingerprint), a file that gets the CA of the cluster, which the other modules verify with. It is read
        over the connection that the fingerprint vouches for.
    type: path
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Say what the first server needs
  fletcherlabs.homelab.proxmox_vm_plan:
    api_host: 192.168.10.100
    api_user: ansible@pve
    api_token_id: homelab
    api_token_secret: "{{ homelab_proxmox_token_secret }}"
    ca_path: ~/.config/fletcherlabs.homelab/pve-root-ca.pem
    wanted:
      name: k3s-master1
      node: r730
      cores: 4
      memory_mib: 8192
      disk_gib: 64
      storage: local-lvm
      bridge: vmbr0
      image:
        url: https://cloud-images.example.net/noble-server-cloudimg-amd64.img
        sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
      address: 192.168.10.30/24
      gateway: 192.168.10.1
      user: josh
      ssh_keys: ["{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"]
  delegate_to: localhost
  register: planned
"""

RETURN = r"""
changed:
  description: Whether there is something to do.
  type: bool
  returned: success
actions:
  description: What is to be done, in its order.
  type: list
  elements: dict
  returned: success
  sample: [{kind: grow_disk, target: k3s-master1, sentence: "k3s-master1: let scsi0 grow from 24 to 64 GiB"}]
kinds:
  description: The kinds of RV(actions).
  type: list
  elements: str
  returned: success
  sample: [grow_disk]
vmid:
  description: The machine's id, or the one that it gets.
  type: int
  returned: success
disk:
  description: The drive that it boots from.
  type: str
  returned: success
  sample: scsi0
volume:
  description: The image in its storage.
  type: str
  returned: success
  sample: local:import/noble-server-cloudimg-amd64-0123456789ab.qcow2
settings:
  description: Keys of C(qm.conf) that change, with their values.
  type: dict
  returned: success
  sample: {cores: "6"}
tags:
  description: The machine's tags when its first boot has been seen.
  type: list
  elements: str
  returned: success
  sample: [homelab]
problems:
  description: Why nothing may be done, one sentence each.
  type: list
  elements: str
  returned: failure
warnings_found:
  description: What can be done and will be regretted, one sentence each; they are warnings too.
  type: list
  elements: str
  returned: success
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.arguments import (
    CONNECTION,
    WANTED,
    connected,
    wanted_from,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.client import (
    PROXMOXER_PROBLEM,
    Node,
    ProxmoxError,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.model import Found, Plan, Wanted
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.plan import in_words, plan
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.settings import settled_tags

SPEC = {
    **CONNECTION,
    "wanted": {"type": "dict", "required": True, "options": WANTED},
    "ca_copy": {"type": "path"},
}


def keep_authority(node: Node, wanted: Wanted, path: str) -> None:
    """The CA's file, for modules that know no fingerprints; written when it differs."""
    text, file = node.authority(wanted.node), Path(path)
    if not text:
        raise ProxmoxError(f"{wanted.node} shows no CA of the cluster; set ca_path instead of the fingerprint")
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def report(todo: Plan, wanted: Wanted, found: Found) -> dict[str, Any]:
    """The result of a plan that may be carried out."""
    return {
        "changed": bool(todo.actions),
        "actions": [action.as_dict(wanted.name) for action in todo.actions],
        "kinds": [action.kind for action in todo.actions],
        "vmid": todo.vmid,
        "disk": todo.disk,
        "volume": wanted.image.volume,
        "settings": dict(todo.settings),
        "tags": list(settled_tags({**found.config, **todo.settings})),
        "warnings_found": list(todo.warnings),
        "diff": {"before": dict(todo.before), "after": dict(todo.after)},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if PROXMOXER_PROBLEM:
        module.fail_json(msg=missing_required_lib("proxmoxer"), exception=PROXMOXER_PROBLEM)
    wanted = wanted_from(module.params["wanted"])
    try:
        node = connected(module.params)
        if module.params["ca_copy"] and module.params["api_fingerprint"]:
            keep_authority(node, wanted, module.params["ca_copy"])
        found = node.found(wanted)
    except ProxmoxError as error:
        place = f"{module.params['api_host']}:{module.params['api_port']}"
        module.fail_json(msg=f"nothing was changed, since at {place} {error}", problems=[str(error)])
    todo = in_words(plan(wanted, found))
    for sentence in todo.warnings:
        module.warn(sentence)
    if todo.problems:
        diff = {"before": dict(todo.before), "after": dict(todo.after)}
        module.fail_json(
            msg="nothing was changed, since " + "; ".join(todo.problems), problems=list(todo.problems), diff=diff
        )
    module.exit_json(**report(todo, wanted, found))


if __name__ == "__main__":
    main()
