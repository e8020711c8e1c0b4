#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_plan
short_description: The steps from one set of releases to another
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Upstreams test upgrades from one minor version to the next. This module lists these steps for all components
    together, in an order in which every pair on the way can run, with as few untested pairs as possible.
  - Gateway API's definitions are raised just before the Cilium that needs them.
  - Fails where something would have to go back. Changes nothing.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
options:
  installed:
    description: Versions that run, by component, as the filter P(fletcherlabs.homelab.release_set#filter) gives them.
    type: dict
    required: true
    version_added: 0.1.0
  wanted:
    description: Versions that are wanted, by component.
    type: dict
    required: true
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: List the steps
  fletcherlabs.homelab.release_plan:
    installed: "{{ 'documented' | fletcherlabs.homelab.release_set }}"
    wanted: "{{ 'supported' | fletcherlabs.homelab.release_set }}"
"""

RETURN = r"""
steps:
  description: One entry for each upgrade, in their order.
  type: list
  elements: dict
  returned: success
  sample: [{component: flux, version: "2.7.5", sentence: "Flux 2.6.1 -> 2.7.5: run flux migrate before"}]
warnings_wanted:
  description: What upstream does not support among the wanted versions, one sentence each.
  type: list
  elements: str
  returned: success
  sample: []
problems:
  description: Why there is no way, one sentence each.
  type: list
  elements: str
  returned: failure
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.judge import ReleaseSetError, judge
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.plan import way

SPEC = {"installed": {"type": "dict", "required": True}, "wanted": {"type": "dict", "required": True}}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        steps, problems = way(module.params["installed"], module.params["wanted"])
        verdict = judge(module.params["wanted"])
    except ReleaseSetError as error:
        module.fail_json(msg=str(error), problems=[str(error)])
    problems += verdict.problems
    if problems:
        module.fail_json(msg="; ".join(problems), problems=problems)
    module.exit_json(changed=False, steps=[step.as_dict() for step in steps], warnings_wanted=list(verdict.warnings))


if __name__ == "__main__":
    main()
