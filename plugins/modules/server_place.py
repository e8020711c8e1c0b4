#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_place
short_description: Whether a K3s server stays what it is, founds a cluster or joins one
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - A server that has a datastore stays what it is. One without joins a server that has one. Only where no server of the
    inventory has a datastore is a cluster founded, and never while a server that may have one cannot be asked.
  - Fails with one sentence where none of this is safe. Nothing has been touched then.
  - Keys that config.yaml on this host has already are kept as long as they are not wrong, so that K3s is not restarted
    for nothing.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
options:
  name:
    description: This server's name in the inventory.
    type: str
    required: true
    version_added: 0.1.0
  first:
    description: The server that founds the cluster where there is none.
    type: str
    required: true
    version_added: 0.1.0
  servers:
    description: All servers of the inventory, this one among them.
    type: list
    elements: dict
    required: true
    version_added: 0.1.0
    suboptions:
      name:
        description: Name in the inventory.
        type: str
        required: true
        version_added: 0.1.0
      address:
        description: Address that other servers reach it at.
        type: str
        required: true
        version_added: 0.1.0
      datastore:
        description: What M(fletcherlabs.homelab.k3s_info) found there; V(unknown) where the machine does not answer.
        type: str
        choices: [etcd, sqlite, none, unknown]
        required: true
        version_added: 0.1.0
  api_address:
    description: Address or name at which the API is reached.
    type: str
    required: true
    version_added: 0.1.0
  found_new_cluster:
    description: Whether a cluster may be founded although a server cannot be asked.
    type: bool
    default: false
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Decide what this server is
  fletcherlabs.homelab.server_place:
    name: k3s-master1
    first: k3s-master1
    api_address: 192.168.10.30
    servers:
      - {name: k3s-master1, address: 192.168.10.30, datastore: none}
      - {name: k3s-master2, address: 192.168.10.32, datastore: etcd}
"""

RETURN = r"""
config:
  description: Keys for config.yaml.
  type: dict
  returned: success
  sample: {server: "https://192.168.10.32:6443"}
joins:
  description: A server that has the data, where this one joins; empty otherwise.
  type: str
  returned: success
  sample: k3s-master2
waits_for:
  description: The server that has to found the cluster before this one can join; empty otherwise.
  type: str
  returned: success
reasons:
  description: Why nothing may be done, one sentence each.
  type: list
  elements: str
  returned: failure
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._k3s.place import Server, Wish, placed_in, plan

CONFIG = "/etc/rancher/k3s/config.yaml"
SPEC = {
    "name": {"type": "str", "required": True},
    "first": {"type": "str", "required": True},
    "servers": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "address": {"type": "str", "required": True},
            "datastore": {"type": "str", "choices": ["etcd", "sqlite", "none", "unknown"], "required": True},
        },
    },
    "api_address": {"type": "str", "required": True},
    "found_new_cluster": {"type": "bool", "default": False},
}


def configuration() -> str:
    """What config.yaml says already; nothing where there is none."""
    try:
        with open(CONFIG, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    wish = module.params
    servers = [Server(**server) for server in wish["servers"]]
    if wish["name"] not in {server.name for server in servers}:
        module.fail_json(msg=f"servers does not name {wish['name']}, expected this server among them; add it")
    before = placed_in(configuration())
    place = plan(servers, Wish(wish["name"], wish["first"], wish["api_address"], wish["found_new_cluster"], before))
    if place.reasons:
        module.fail_json(msg="; ".join(place.reasons), reasons=list(place.reasons))
    module.exit_json(changed=False, config=dict(place.config), joins=place.joins, waits_for=place.waits_for)


if __name__ == "__main__":
    main()
