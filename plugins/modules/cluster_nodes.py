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

import json
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
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nodes.model import FoundNode, NodesError, WantedNode
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nodes.plan import (
    difference,
    plan,
    to_come,
    waiting_for,
)

try:
    from kubernetes import client, config
    from urllib3.exceptions import HTTPError

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
REQUEST_SECONDS = 15
CONFLICT_TRIES = 5


class Cluster:
    """The nodes of one cluster, through the official client."""

    def __init__(self, kubeconfig: str) -> None:
        try:
            self._api = client.CoreV1Api(config.new_client_from_config(kubeconfig))
        except config.ConfigException as error:
            raise NodesError(
                f"{kubeconfig} is no kubeconfig ({error}); build the first server, whose kubeconfig is fetched to there"
            ) from error

    def nodes(self) -> dict[str, FoundNode]:
        """Every node by name."""
        # raw, as the client's own types refuse a node whose fields are not those of the client's release
        answer: t.Any = self._api.list_node(_preload_content=False, _request_timeout=REQUEST_SECONDS)
        return {node.name: node for node in map(found_from, json.loads(answer.data)["items"])}

    def patch(self, name: str, body: dict[str, t.Any]) -> None:
        """Merge body into a node."""
        self._api.patch_node(
            name,
            body,
            _content_type="application/merge-patch+json",
            _preload_content=False,
            _request_timeout=REQUEST_SECONDS,
        )


def wait(
    cluster: Cluster, wanted: list[WantedNode], condition: str, timeout: int
) -> tuple[dict[str, FoundNode], list[str]]:
    """Poll until nothing is missing or the time is over; return the nodes and what is missing."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            found = cluster.nodes()
            missing = waiting_for(wanted, found, condition)
        except (client.ApiException, HTTPError) as error:
            if getattr(error, "status", None) in (401, 403):
                raise NodesError(
                    f"the API does not know the kubeconfig's user ({words(error)}); fetch it again"
                ) from error
            # while a server starts, the API refuses, resets or answers 503: worth a word only at the end
            found, missing = {}, [f"the API did not answer: {words(error)}"]
        if not missing or time.monotonic() > deadline:
            return found, missing
        time.sleep(POLL_SECONDS)


def words(error: Exception) -> str:
    """What the API itself said about a refused request, else what the client says, in one line."""
    try:
        said = json.loads(getattr(error, "body", None) or "{}").get("message", "")
    except ValueError:
        said = ""
    status = f"{error.status} {error.reason}" if isinstance(error, client.ApiException) else str(error).splitlines()[0]
    return f"{status}: {said}" if said else status


def apply(cluster: Cluster, wanted: list[WantedNode], found: dict[str, FoundNode]) -> None:
    """Carry out the plan; planned again from a fresh look where somebody else changed the node in between."""
    for _attempt in range(CONFLICT_TRIES):
        actions = plan(wanted, found)
        try:
            for action in actions:
                cluster.patch(action.node, patch_for(action, found[action.node]))
            return
        except client.ApiException as error:
            if error.status != 409:
                raise NodesError(
                    f"{action.sentence}: the API refused it with {words(error)}; correct it in the inventory"
                ) from error
            found = cluster.nodes()
    raise NodesError(f"somebody else changed the nodes {CONFLICT_TRIES} times in a row; find out who, then run again")


def look(
    module: AnsibleModule, wanted: list[WantedNode], rehearsal: bool
) -> tuple[Cluster | None, dict[str, FoundNode]]:
    """The cluster and its nodes once they are as far as wanted; check mode takes them as they are."""
    if rehearsal and not os.path.exists(module.params["kubeconfig"]):
        return None, {}
    cluster = Cluster(module.params["kubeconfig"])
    limit = 0 if rehearsal else module.params["timeout"]
    found, missing = wait(cluster, wanted, module.params["wait_for"], limit)
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
    except NodesError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(actions),
        actions=[action.as_dict() for action in actions],
        foreign=sorted(set(found) - {node.name for node in wanted}),
        diff=difference(actions, found),
    )


if __name__ == "__main__":
    main()
