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
  description: Nodes of the cluster that the inventory does not name.
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
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nodes.convert import (
    found_from,
    patch_for,
    wanted_from,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nodes.model import FoundNode, WantedNode
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nodes.plan import difference, plan, waiting_for

try:
    from kubernetes import client, config

    KUBERNETES_PROBLEM = None
except ImportError:
    KUBERNETES_PROBLEM = traceback.format_exc()

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
CONFLICT_TRIES = 5


class Cluster:
    """The nodes of one cluster, through the official client."""

    def __init__(self, kubeconfig: str) -> None:
        self._api = client.CoreV1Api(config.new_client_from_config(kubeconfig))

    def nodes(self) -> dict[str, FoundNode]:
        """Every node by name."""
        answer = self._api.list_node(_request_timeout=15)
        documents = self._api.api_client.sanitize_for_serialization(answer)["items"]
        return {node.name: node for node in map(found_from, documents)}

    def patch(self, name: str, body: dict[str, t.Any]) -> None:
        """Merge body into a node."""
        # the generated method takes no content type, and a strategic merge would join the lists of taints
        self._api.api_client.set_default_header("Content-Type", "application/merge-patch+json")
        self._api.patch_node(name, body, _content_type="application/merge-patch+json", _request_timeout=15)


def wait(
    cluster: Cluster, wanted: list[WantedNode], condition: str, timeout: int
) -> tuple[dict[str, FoundNode], list[str]]:
    """Poll until nothing is missing or the time is over; return the nodes and what is missing."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            found = cluster.nodes()
            missing = waiting_for(wanted, found, condition)
        except Exception as error:
            # while a server starts, the API refuses, resets or answers 503: worth a word only at the end
            found, missing = {}, [f"the API did not answer: {str(error).splitlines()[0]}"]
        if not missing or time.monotonic() > deadline:
            return found, missing
        time.sleep(POLL_SECONDS)


def apply(cluster: Cluster, wanted: list[WantedNode], found: dict[str, FoundNode]) -> None:
    """Carry out the plan; planned again from a fresh look where somebody else changed the node in between."""
    for _attempt in range(CONFLICT_TRIES):
        try:
            for action in plan(wanted, found):
                cluster.patch(action.node, patch_for(action, found[action.node]))
            return
        except client.ApiException as error:
            if error.status != 409:
                raise
            found = cluster.nodes()
    raise RuntimeError(f"the nodes were changed by somebody else {CONFLICT_TRIES} times in a row; run again")


def not_built_yet(wanted: list[WantedNode]) -> dict[str, t.Any]:
    """What check mode answers before there is a cluster: every node is still to come."""
    sentences = {node.name: f"{node.name}: register, then get its labels and taints" for node in wanted}
    return {
        "changed": True,
        "actions": [{"kind": "patch_node", "target": name, "sentence": text} for name, text in sentences.items()],
        "foreign": [],
        "diff": {"before": "", "after": "".join(f"{text}\n" for text in sentences.values())},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if KUBERNETES_PROBLEM:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_PROBLEM)
    rehearsal: bool = module.check_mode
    wanted = [wanted_from(item) for item in module.params["nodes"]]
    if rehearsal and not os.path.exists(module.params["kubeconfig"]):
        module.exit_json(**not_built_yet(wanted))
    cluster = Cluster(module.params["kubeconfig"])
    limit = 0 if rehearsal else module.params["timeout"]
    found, missing = wait(cluster, wanted, module.params["wait_for"], limit)
    if missing and not rehearsal:
        expected = "Ready" if module.params["wait_for"] == "ready" else "registered"
        module.fail_json(msg=f"after {limit} s not every node is {expected}: {'; '.join(missing)}", missing=missing)
    actions = plan(wanted, found)
    if not rehearsal:
        apply(cluster, wanted, found)
    module.exit_json(
        changed=bool(actions),
        actions=[action.as_dict() for action in actions],
        foreign=sorted(set(found) - {node.name for node in wanted}),
        diff=difference(actions, found),
    )


if __name__ == "__main__":
    main()
