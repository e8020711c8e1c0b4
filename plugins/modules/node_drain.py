#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_drain
short_description: Cordon, drain or uncordon a node, and lift no cordon but its own
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Evicts the pods of a node through the eviction API, so that every PodDisruptionBudget is kept, asking again until
    O(timeout). Pods of DaemonSets, static pods and pods that have ended stay.
  - Notes its own cordon in an annotation of the node. A node that somebody else cordoned stays cordoned.
  - A node whose kubelet does not answer is cordoned only; its pods could not stop.
  - Where a drain fails, the cordon it has set is lifted again.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
requirements:
  - kubernetes (Python package)
options:
  kubeconfig:
    description: Kubeconfig file on the host that runs the module.
    type: path
    required: true
    version_added: 0.1.0
  node:
    description: Name of the node.
    type: str
    required: true
    version_added: 0.1.0
  state:
    description: What the node is to be.
    type: str
    choices: [cordoned, drained, uncordoned]
    default: drained
    version_added: 0.1.0
  timeout:
    description: How long pods may take to leave, in seconds.
    type: int
    default: 300
    version_added: 0.1.0
  evict_bare_pods:
    description: Whether pods without a controller may go, which nobody makes again.
    type: bool
    default: false
    version_added: 0.1.0
  if_unreachable:
    description: Whether to fail when the API does not answer, or to do nothing and say so.
    type: str
    choices: [fail, skip]
    default: fail
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Empty the node
  fletcherlabs.homelab.node_drain:
    kubeconfig: ~/.kube/k3s-home.yaml
    node: k3s1
  delegate_to: localhost
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  type: list
  elements: dict
  returned: success
  sample: [{kind: cordon, target: k3s1, sentence: let k3s1 take no new pods}]
found:
  description: Whether the cluster has the node.
  type: bool
  returned: success
answering:
  description: Whether the node's kubelet reports that it is Ready.
  type: bool
  returned: success
notices:
  description: What somebody should know although nothing was done about it, one sentence each.
  type: list
  elements: str
  returned: success
"""

import time

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import (
    KUBERNETES_PROBLEM,
    Cluster,
    ClusterError,
    Refusal,
    Unreachable,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._drain.plan import (
    CORDON_ANNOTATION,
    Node,
    Pod,
    bare,
    node_from,
    notices,
    plan,
    pod_from,
    stuck,
    to_leave,
)

SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "node": {"type": "str", "required": True},
    "state": {"choices": ["cordoned", "drained", "uncordoned"], "default": "drained"},
    "timeout": {"type": "int", "default": 300},
    "evict_bare_pods": {"type": "bool", "default": False},
    "if_unreachable": {"choices": ["fail", "skip"], "default": "fail"},
}
POLL_SECONDS = 1.0


class Drain:
    """One node, through the API."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._cluster = cluster
        self._path = f"/api/v1/nodes/{name}"
        self._pods = f"/api/v1/pods?fieldSelector=spec.nodeName%3D{name}"

    def node(self) -> Node | None:
        """The node, None where the cluster has none of that name."""
        document = self._cluster.find(self._path)
        return node_from(document) if document else None

    def pods(self) -> list[Pod]:
        """Every pod that is bound to the node."""
        return [pod_from(item) for item in self._cluster.get(self._pods)["items"]]

    def cordon(self, wanted: bool) -> None:
        """Set or lift the cordon, with its note."""
        note = "fletcherlabs.homelab" if wanted else None
        self._cluster.merge(
            self._path,
            {"metadata": {"annotations": {CORDON_ANNOTATION: note}}, "spec": {"unschedulable": wanted or None}},
        )

    def evict(self, pod: Pod) -> str:
        """Ask for an eviction; return why it is held, empty when it is not."""
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod.name, "namespace": pod.namespace},
        }
        try:
            self._cluster.request("POST", f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/eviction", body)
        except Refusal as error:
            if error.status == 429:
                return str(error).partition(": ")[2] or str(error)
            if error.status != 404:
                raise
        return ""


def empty(drain: Drain, name: str, timeout: int) -> None:
    """Evict until no pod is left; raise ClusterError with the reason when the time is over or the node goes away."""
    deadline = time.monotonic() + timeout
    node, left, held = Node(name, True, "", True, True), [Pod("", "")], dict[Pod, str]()
    while True:
        try:
            node = drain.node() or node
            left = to_leave(drain.pods())
            if not left:
                return
            if node.ready:
                answers = {pod: drain.evict(pod) for pod in left if not pod.leaving}
                held = {pod: answer for pod, answer in answers.items() if answer}
        except Unreachable as error:
            # a server may be restarting; what was last seen still says what is missing
            held = {Pod("API", ""): str(error)}
        if not node.ready or time.monotonic() > deadline:
            raise ClusterError(stuck(node, left, held, timeout))
        time.sleep(POLL_SECONDS)


def apply(drain: Drain, node: Node, params: dict[str, object], kinds: set[str]) -> None:
    """Carry out the plan; a failed drain lifts the cordon that it has set."""
    if "uncordon" in kinds:
        drain.cordon(False)
    if "cordon" in kinds:
        drain.cordon(True)
    if params["state"] != "drained" or not node.ready:
        return
    try:
        empty(drain, node.name, int(str(params["timeout"])))
    except ClusterError:
        if node.ours or "cordon" in kinds:
            drain.cordon(False)
        raise


def refuse_bare(pods: list[Pod], node: Node) -> None:
    """Raise ClusterError when pods would be gone for good."""
    lost = bare(pods)
    if lost and node.ready:
        raise ClusterError(
            f"{node.name} has pods that nobody would make again ({', '.join(map(str, lost))}); remove them, "
            "or set evict_bare_pods"
        )


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if KUBERNETES_PROBLEM:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_PROBLEM)
    rehearsal: bool = module.check_mode
    wish = module.params
    try:
        drain = Drain(Cluster(wish["kubeconfig"]), wish["node"])
        node = drain.node()
        if node is None:
            module.exit_json(changed=False, actions=[], found=False, answering=False, notices=[])
        pods = drain.pods() if wish["state"] == "drained" else []
        if not wish["evict_bare_pods"]:
            refuse_bare(pods, node)
        actions = plan(node, pods, wish["state"])
        if not rehearsal:
            apply(drain, node, wish, {action.kind for action in actions})
    except Unreachable as error:
        if wish["if_unreachable"] == "fail":
            module.fail_json(msg=f"{wish['node']}: {error}")
        module.exit_json(changed=False, actions=[], found=False, answering=False, notices=[str(error)])
    except ClusterError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(actions),
        actions=[action.as_dict() for action in actions],
        found=True,
        answering=node.ready,
        notices=notices(node, wish["state"]),
    )


if __name__ == "__main__":
    main()
