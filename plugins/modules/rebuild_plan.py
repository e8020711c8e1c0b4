#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rebuild_plan
short_description: In which state a node is, and what rebuilding it takes
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Compares what the machine and the cluster say of a node with the inventory, and names the steps of its rebuild.
    Changes nothing.
  - A healthy node needs none, unless O(force). A worker that is broken is emptied, reset and joined again under its
    name. Of several servers, one that is lost joins the others as a new member. The only server is repaired around its
    datastore; where that is gone, a backup is restored.
  - Fails, with every reason, where a rebuild would lose something or could not work.
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
  name:
    description: Inventory name of the machine.
    type: str
    required: true
    version_added: 0.1.0
  node:
    description: Name of the node in the cluster.
    type: str
    required: true
    version_added: 0.1.0
  role:
    description: What the inventory wants the machine to be.
    type: str
    choices: [server, agent]
    required: true
    version_added: 0.1.0
  servers:
    description: Node names of all servers of the inventory.
    type: list
    elements: str
    required: true
    version_added: 0.1.0
  version:
    description: K3s release that the inventory wants.
    type: str
    required: true
    version_added: 0.1.0
  reachable:
    description: Whether the machine answers.
    type: bool
    required: true
    version_added: 0.1.0
  k3s:
    description: What M(fletcherlabs.homelab.k3s_info) returned for the machine, empty when it does not answer.
    type: dict
    default: {}
    version_added: 0.1.0
  force:
    description: Whether a healthy node is rebuilt too.
    type: bool
    default: false
    version_added: 0.1.0
  backup:
    description: Backup to restore in any case, when the only server is rebuilt.
    type: str
    default: ""
    version_added: 0.1.0
  newest_backup:
    description: The newest backup at hand, for a server whose datastore is gone.
    type: str
    default: ""
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Decide what rebuilding takes
  fletcherlabs.homelab.rebuild_plan:
    kubeconfig: ~/.kube/k3s-home.yaml
    name: k3s1
    node: k3s1
    role: agent
    servers: [k3s-master1]
    version: v1.32.5+k3s1
    reachable: false
  delegate_to: localhost
"""

RETURN = r"""
state:
  description: healthy, unfinished (an earlier rebuild stopped before its end), broken, reinstalled or dead.
  type: str
  returned: success
  sample: broken
steps:
  description: What is to be done, in this order, as names.
  type: list
  elements: str
  returned: success
  sample: [drain, reset, forget_password, build, uncordon]
actions:
  description: The same for people.
  type: list
  elements: dict
  returned: success
  sample: [{kind: drain, target: k3s1, sentence: "k3s1: empty it as far as it answers"}]
backup:
  description: The backup that the step restore is to restore, empty without that step.
  type: str
  returned: success
answering:
  description: Whether the API answers.
  type: bool
  returned: success
reasons:
  description: Why the node must not be rebuilt, one sentence each.
  type: list
  elements: str
  returned: failure
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import (
    KUBERNETES_PROBLEM,
    Cluster,
    ClusterError,
    Unreachable,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._drain.plan import node_from
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._rebuild.plan import (
    STEPS,
    Found,
    Host,
    NodeObject,
    Wish,
    plan,
)

SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "node": {"type": "str", "required": True},
    "role": {"choices": ["server", "agent"], "required": True},
    "servers": {"type": "list", "elements": "str", "required": True},
    "version": {"type": "str", "required": True},
    "reachable": {"type": "bool", "required": True},
    "k3s": {"type": "dict", "default": {}},
    "force": {"type": "bool", "default": False},
    "backup": {"type": "str", "default": ""},
    "newest_backup": {"type": "str", "default": ""},
}


def host_from(params: dict[str, t.Any]) -> Host:
    """The machine, from the answer of k3s_info."""
    k3s = params["k3s"]
    return Host(
        params["reachable"],
        k3s.get("version"),
        tuple(k3s.get("units") or ()),
        tuple(k3s.get("active") or ()),
        k3s.get("datastore") or "none",
    )


def cluster_nodes(kubeconfig: str) -> dict[str, NodeObject] | None:
    """Every node by name; None when the API does not answer."""
    if not os.path.exists(kubeconfig):
        return None
    try:
        documents = Cluster(kubeconfig).get("/api/v1/nodes")["items"]
    except Unreachable:
        return None
    result = {}
    for document in documents:
        node = node_from(document)
        version = document.get("status", {}).get("nodeInfo", {}).get("kubeletVersion", "")
        result[node.name] = NodeObject(True, node.ready, version, node.unschedulable and node.ours)
    return result


def probe(params: dict[str, t.Any]) -> Found:
    """What machine and cluster say."""
    nodes = cluster_nodes(params["kubeconfig"])
    known = nodes or {}
    others = [known[name] for name in params["servers"] if name != params["node"] and name in known]
    return Found(
        host_from(params),
        nodes is not None,
        known.get(params["node"], NodeObject()),
        sum(node.ready for node in others),
        params["newest_backup"],
    )


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if KUBERNETES_PROBLEM:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_PROBLEM)
    wish = module.params
    try:
        found = probe(wish)
    except ClusterError as error:
        module.fail_json(msg=str(error))
    servers = len(wish["servers"])
    decided = plan(Wish(wish["name"], wish["role"], wish["version"], wish["force"], wish["backup"], servers), found)
    if decided.refusals:
        module.fail_json(msg="; ".join(decided.refusals), reasons=list(decided.refusals), state=decided.state)
    actions = [
        {"kind": step, "target": wish["name"], "sentence": f"{wish['name']}: {STEPS[step]}"} for step in decided.steps
    ]
    module.exit_json(
        changed=False,
        state=decided.state,
        steps=list(decided.steps),
        actions=actions,
        backup=decided.backup,
        answering=found.api,
    )


if __name__ == "__main__":
    main()
