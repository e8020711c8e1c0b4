#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: upgrade_plan
short_description: In which order nodes change their K3s version, or why they must not
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Compares what machines and cluster run with the wanted version. Changes nothing.
  - Servers come first. Nodes that are done are left out, so an interrupted upgrade is taken up where it stopped.
  - Fails, with every reason, on a version that is older, on a skipped minor version, and on a node that is not Ready.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
requirements:
  - kubernetes (Python package)
options:
  kubeconfig:
    description: Kubeconfig file on the host that runs the module.
    type: path
    required: true
    version_added: 0.1.0
  version:
    description: The wanted K3s release.
    type: str
    required: true
    version_added: 0.1.0
  members:
    description: The machines of the cluster.
    type: list
    elements: dict
    required: true
    version_added: 0.1.0
    suboptions:
      name:
        description: Inventory name of the machine.
        type: str
        required: true
        version_added: 0.1.0
      node:
        description: Name of its node.
        type: str
        required: true
        version_added: 0.1.0
      role:
        description: What the machine is.
        type: str
        choices: [server, agent]
        required: true
        version_added: 0.1.0
      installed:
        description: Version of its binary.
        type: str
        version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Plan the upgrade
  fletcherlabs.homelab.upgrade_plan:
    kubeconfig: ~/.kube/k3s-home.yaml
    version: v1.32.6+k3s1
    members:
      - {name: k3s-master1, node: k3s-master1, role: server, installed: v1.32.5+k3s1}
  delegate_to: localhost
"""

RETURN = r"""
actions:
  description: One step for each node that has to change, in this order.
  type: list
  elements: dict
  returned: success
  sample: [{kind: upgrade, target: k3s1, sentence: "agent k3s1: v1.32.5+k3s1 -> v1.32.6+k3s1"}]
targets:
  description: Names of the machines to change, in this order.
  type: list
  elements: str
  returned: success
  sample: [k3s-master1, k3s1]
reasons:
  description: Why it must not be done, one sentence each.
  type: list
  elements: str
  returned: failure
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import (
    KUBERNETES_PROBLEM,
    Cluster,
    ClusterError,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._drain.plan import node_from
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._upgrade.plan import Member, plan

MEMBER = {
    "name": {"type": "str", "required": True},
    "node": {"type": "str", "required": True},
    "role": {"choices": ["server", "agent"], "required": True},
    "installed": {"type": "str"},
}
SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "version": {"type": "str", "required": True},
    "members": {"type": "list", "elements": "dict", "required": True, "options": MEMBER},
}


def member_from(item: dict[str, t.Any], documents: dict[str, dict[str, t.Any]]) -> Member:
    """One machine, with what its node reports."""
    document = documents.get(item["node"])
    if document is None:
        return Member(item["name"], item["role"], item["installed"] or "", "", False)
    node = node_from(document)
    running = document.get("status", {}).get("nodeInfo", {}).get("kubeletVersion", "")
    ours = node.unschedulable and node.ours
    return Member(item["name"], item["role"], item["installed"] or "", running, node.ready, ours)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if KUBERNETES_PROBLEM:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_PROBLEM)
    wish = module.params
    try:
        items = Cluster(wish["kubeconfig"]).get("/api/v1/nodes")["items"]
    except ClusterError as error:
        module.fail_json(msg=f"{error}; an upgrade begins with a healthy cluster")
    documents = {item["metadata"]["name"]: item for item in items}
    decided = plan([member_from(item, documents) for item in wish["members"]], wish["version"])
    if decided.refusals:
        module.fail_json(msg="; ".join(decided.refusals), reasons=list(decided.refusals))
    module.exit_json(
        changed=False,
        actions=[step.as_dict() for step in decided.steps],
        targets=[step.name for step in decided.steps],
    )


if __name__ == "__main__":
    main()
