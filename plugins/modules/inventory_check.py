#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: inventory_check
short_description: Check the whole inventory at once
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Reads the descriptions of all machines and the values of the site as one document, and fails with one sentence for
    each thing that is wrong with it, all at once.
  - Checks shape and types, and what can only be seen together, such as addresses and MAC addresses used twice, two
    machines with one node name, networks that overlap, labels that K3s refuses, tiers nobody defined, and tokens that
    are no secret.
  - Returns the questions that the inventory leaves open, and fails for those which a layer of this build needs
    answered.
  - Contacts no machine. Run it on the controller, before anything else.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
options:
  machines:
    description:
      - Each machine's variables C(homelab_groups), C(homelab_machine), C(homelab_node), C(homelab_unknown) and
        C(group_names), by the machine's name. A variable that is not set may be null.
    type: dict
    required: true
    version_added: 0.1.0
  site:
    description: The C(homelab_*) variables that all machines share, without secrets, by their names.
    type: dict
    required: true
    version_added: 0.1.0
  server_token:
    description: The token that servers join with.
    type: str
    version_added: 0.1.0
  agent_token:
    description: The token that workers join with.
    type: str
    version_added: 0.1.0
  layers:
    description: Layers of this build. An open question that one of them needs answered is an error.
    type: list
    elements: str
    choices: [hosts, cluster, storage, gpu, network, gitops, vm]
    default: []
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Check one machine's description, with a site that lacks everything
  fletcherlabs.homelab.inventory_check:
    machines:
      k3s4:
        homelab_groups: [k3s_agent]
        homelab_machine:
          kind: metal
          address: 192.168.10.24
    site: {}
    layers: [hosts, cluster]
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
problems:
  description: What is wrong with the inventory, one sentence each.
  type: list
  elements: str
  returned: always
  sample: ["k3s1 and k3s2 have one address, 192.168.10.21; correct homelab_machine.address of one"]
questions:
  description: The questions that the inventory leaves open, one sentence each, the layer that needs an answer in front.
  type: list
  elements: str
  returned: always
  sample: ["[network] k3s3: Which speed does its NIC have? (homelab_machine.nics[0].speed_mbps)"]
unknowns:
  description: The questions that the inventory leaves open.
  type: list
  elements: dict
  returned: always
  contains:
    machine:
      description: Name of the machine, or V(site).
      type: str
    fact:
      description: What is not known.
      type: str
    needed_by:
      description: The layer that cannot be built without an answer.
      type: str
    question:
      description: The question to the owner.
      type: str
machines:
  description: Each machine in short, by name.
  type: dict
  returned: success
  sample:
    k3s1: {address: 192.168.10.21, node: k3s1, role: agent, macs: ["6c:1f:f7:1b:e8:c8"]}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import LAYERS
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse import parse
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.report import (
    as_data,
    as_question,
    complaint,
    summary,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules import (
    advice,
    blocking,
    check,
    open_questions,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.tokens import check_tokens

SPEC = {
    "machines": {"type": "dict", "required": True},
    "site": {"type": "dict", "required": True},
    "server_token": {"type": "str", "no_log": True},
    "agent_token": {"type": "str", "no_log": True},
    "layers": {"type": "list", "elements": "str", "choices": list(LAYERS), "default": []},
}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    inventory, shape = parse(module.params["machines"], module.params["site"])
    unknowns = open_questions(inventory)
    problems = [
        *(problem.sentence for problem in shape),
        *check(inventory),
        *check_tokens(module.params["server_token"], module.params["agent_token"]),
        *blocking(unknowns, module.params["layers"]),
    ]
    for sentence in advice(inventory):
        module.warn(sentence)
    result: dict[str, Any] = {
        "problems": problems,
        "questions": [as_question(unknown) for unknown in unknowns],
        "unknowns": [as_data(unknown) for unknown in unknowns],
    }
    if problems:
        module.fail_json(msg=complaint(problems), **result)
    module.exit_json(changed=False, machines=summary(inventory), **result)


if __name__ == "__main__":
    main()
