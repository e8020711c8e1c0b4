#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_nodes
short_description: Wait for the cluster's nodes, and keep their labels and taints in step with the inventory
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - K3s applies the labels and taints of its configuration only when a node registers for the first time. This module
    sets them through the API, for all nodes in one call.
  - Keys it has set are noted in an annotation of the node. A key that the inventory names no more is removed if it is
    one of those; labels and taints of others are never touched.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
requirements:
  - kubernetes (Python package)
options:
  kubeconfig:
    description: Kubeconfig file on the host that runs the module. In check mode it may not exist yet.
    type: path
    required: true
    version_added: 0.1.0
  nodes:
    description: The nodes the inventory wants.
    type: list
    elements: dict
    required: true
    version_added: 0.1.0
    suboptions:
      name:
        description: Name of the node.
        type: str
        required: true
        version_added: 0.1.0
      labels:
        description: Labels the node has to have.
        type: dict
        default: {}
        version_added: 0.1.0
      taints:
        description: Taints the node has to have.
        type: list
        elements: dict
        default: []
        version_added: 0.1.0
        suboptions:
          key:
            description: Key of the taint.
            type: str
            required: true
            version_added: 0.1.0
          value:
            description: Value of the taint.
            type: str
            version_added: 0.1.0
          effect:
            description: What the taint does to pods that do not tolerate it.
            type: str
            required: true
            choices: [NoSchedule, PreferNoSchedule, NoExecute]
            version_added: 0.1.0
      version:
        description: The K3s version to wait for.
        type: str
        version_added: 0.1.0
  wait_for:
    description: Whether to wait until the nodes have registered, or until they are Ready.
    type: str
    choices: [registered, ready]
    default: ready
    version_added: 0.1.0
  timeout:
    description: How long to wait, in seconds.
    type: int
    default: 300
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Wait for the nodes and label them
  fletcherlabs.homelab.cluster_nodes:
    kubeconfig: ~/.kube/k3s-home.yaml
    nodes:
      - name: k3s1
        labels: {workload: light}
        version: v1.32.5+k3s1
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  type: list
  elements: dict
  returned: success
  sample: [{kind: patch_node, target: k3s1, sentence: "k3s1: label workload=light"}]
foreign:
  description: Nodes of the cluster that O(nodes) does not name; nothing is done to them.
  type: list
  elements: str
  returned: success
  sample: []
missing:
  description: What was still missing when the time was over, one part of a sentence for each node.
  type: list
  elements: str
  returned: failure
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import (
    KUBERNETES_PROBLEM,
    Cluster,
    ClusterError,
    Refusal,
    Unreachable,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nodes.convert import (
    found_from,
    patch_for,
    wanted_from,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nodes.model import FoundNode, WantedNode
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nodes.plan import (
    difference,
    plan,
    to_come,
    waiting_for,
)

TAINT = {
    "key": {"type": "str", "required": True, "no_log": False},
    "value": {"type": "str"},
    "effect": {"required": True, "choices": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
}
NODE = {
    "name": {"type": "str", "required": True},
    "labels": {"type": "dict", "default": {}},
    "taints": {"type": "list", "elements": "dict", "default": [], "options": TAINT},
    "version": {"type": "str"},
}
SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "nodes": {"type": "list", "elements": "dict", "required": True, "options": NODE},
    "wait_for": {"choices": ["registered", "ready"], "default": "ready"},
    "timeout": {"type": "int", "default": 300},
}
POLL_SECONDS = 1.0
TRIES = 5


def nodes_of(cluster: Cluster) -> dict[str, FoundNode]:
    """Every node by name."""
    return {node.name: node for node in map(found_from, cluster.get("/api/v1/nodes")["items"])}


def wait(
    cluster: Cluster, wanted: list[WantedNode], condition: str, timeout: int
) -> tuple[dict[str, FoundNode], list[str], str]:
    """Poll until nothing is missing or the time is over; return the nodes, what is missing and why none was seen."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            found, silence = nodes_of(cluster), ""
            missing = waiting_for(wanted, found, condition)
        except Unreachable as error:
            # while a server starts, the API refuses, resets or answers 503: worth a word only at the end
            found, silence = {}, str(error)
            missing = [silence]
        if not missing or time.monotonic() > deadline:
            return found, missing, silence
        time.sleep(POLL_SECONDS)


def apply(cluster: Cluster, wanted: list[WantedNode], found: dict[str, FoundNode]) -> None:
    """Carry out the plan; planned again from a fresh look where somebody else changed the node or the API was busy."""
    for attempt in range(TRIES):
        sentence = ""
        try:
            if attempt:
                time.sleep(POLL_SECONDS * attempt)
                found = nodes_of(cluster)
            for action in plan(wanted, found):
                sentence = action.sentence
                cluster.merge(f"/api/v1/nodes/{action.node}", patch_for(action, found[action.node]))
            return
        except Unreachable as error:
            last = str(error)
        except Refusal as error:
            if error.status not in (409, 429):
                raise ClusterError(
                    f"{sentence}: the API refused it with {error}; correct it in the inventory"
                ) from error
            last = str(error)
    raise ClusterError(f"the nodes could not be brought in step in {TRIES} tries, last: {last}; run again")


def look(
    module: AnsibleModule, wanted: list[WantedNode], rehearsal: bool
) -> tuple[Cluster | None, dict[str, FoundNode]]:
    """The cluster and its nodes once they are as far as wanted; check mode takes them as they are."""
    if rehearsal and not os.path.exists(module.params["kubeconfig"]):
        return None, {}
    cluster = Cluster(module.params["kubeconfig"])
    limit = 0 if rehearsal else module.params["timeout"]
    found, missing, silence = wait(cluster, wanted, module.params["wait_for"], limit)
    if silence and rehearsal:
        module.warn(f"{silence}; this rehearsal takes every node as one that is still to come")
    if missing and not rehearsal:
        expected = "Ready" if module.params["wait_for"] == "ready" else "registered"
        module.fail_json(msg=f"after {limit} s not every node is {expected}: {'; '.join(missing)}", missing=missing)
    return cluster, found


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if KUBERNETES_PROBLEM:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_PROBLEM)
    rehearsal: bool = module.check_mode
    wanted = [wanted_from(item) for item in module.params["nodes"]]
    try:
        cluster, found = look(module, wanted, rehearsal)
        actions = plan(wanted, found) + to_come(wanted, found)
        if cluster is not None and not rehearsal:
            apply(cluster, wanted, found)
    except ClusterError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(actions),
        actions=[action.as_dict() for action in actions],
        foreign=sorted(set(found) - {node.name for node in wanted}),
        diff=difference(actions, found),
    )


if __name__ == "__main__":
    main()
