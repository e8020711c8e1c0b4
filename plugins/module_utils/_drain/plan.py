# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which pods leave a node, and whether its cordon is ours to set and to lift; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._action import Action

# Says that this collection cordoned the node, and why; a cordon without it is somebody else's and stays.
CORDON_ANNOTATION = "homelab.fletcherlabs.net/cordoned"
_MIRROR = "kubernetes.io/config.mirror"


@dataclass(frozen=True, order=True)
class Pod:
    """A pod on the node."""

    namespace: str
    name: str
    controller: str = ""  # kind of its controller, empty when nobody would make it again
    mirror: bool = False
    finished: bool = False
    leaving: bool = False

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Node:
    """The node's schedulability and health."""

    name: str
    ready: bool
    condition: str
    unschedulable: bool
    ours: bool


def node_from(document: Mapping[str, Any]) -> Node:
    """A Node object of the API."""
    metadata, spec = document["metadata"], document.get("spec", {})
    conditions = document.get("status", {}).get("conditions") or ()
    ready = next((item for item in conditions if item["type"] == "Ready"), None)
    return Node(
        metadata["name"],
        ready is not None and ready["status"] == "True",
        f"{ready.get('reason')}: {ready.get('message')}" if ready else "no condition reported yet",
        bool(spec.get("unschedulable")),
        CORDON_ANNOTATION in (metadata.get("annotations") or {}),
    )


def pod_from(document: Mapping[str, Any]) -> Pod:
    """A Pod object of the API."""
    metadata = document["metadata"]
    owners = [owner["kind"] for owner in metadata.get("ownerReferences") or () if owner.get("controller")]
    return Pod(
        metadata["namespace"],
        metadata["name"],
        owners[0] if owners else "",
        _MIRROR in (metadata.get("annotations") or {}),
        document.get("status", {}).get("phase") in ("Succeeded", "Failed"),
        bool(metadata.get("deletionTimestamp")),
    )


def to_leave(pods: Sequence[Pod]) -> list[Pod]:
    """Pods that a drain waits for: not those that stay on every node, nor those that have ended."""
    return sorted(pod for pod in pods if not (pod.mirror or pod.finished or pod.controller == "DaemonSet"))


def bare(pods: Sequence[Pod]) -> list[Pod]:
    """Pods that an eviction would remove for good."""
    return [pod for pod in to_leave(pods) if not pod.controller and not pod.leaving]


def plan(node: Node, pods: Sequence[Pod], state: str) -> list[Action]:
    """What brings the node to a state; a node that does not answer is cordoned and its pods are left alone."""
    if state == "uncordoned":
        sentence = f"let {node.name} take pods again"
        return [Action("uncordon", node.name, sentence)] if node.unschedulable and node.ours else []
    actions = []
    if not node.unschedulable:
        actions.append(Action("cordon", node.name, f"let {node.name} take no new pods"))
    if state == "drained" and node.ready:
        actions += [
            Action("evict", str(pod), f"evict {pod} from {node.name}") for pod in to_leave(pods) if not pod.leaving
        ]
    return actions


def notices(node: Node, state: str) -> list[str]:
    """What the user should know although nothing is done about it."""
    if state == "uncordoned" and node.unschedulable and not node.ours:
        return [f"{node.name} was cordoned by somebody else and stays so: kubectl uncordon {node.name}"]
    if state == "drained" and not node.ready:
        return [f"{node.name} does not answer ({node.condition}); its pods are not evicted, their controllers decide"]
    return []


def stuck(node: Node, left: Sequence[Pod], held: Mapping[Pod, str], timeout: int) -> str:
    """Why a drain did not end: the node went away, a budget holds pods, or pods do not stop."""
    if not node.ready:
        return (
            f"{node.name} stopped answering while it was drained ({node.condition}), with {len(left)} pods left "
            f"({_some(left)}); look at the machine, or rebuild it: its pods are then left to their controllers"
        )
    if held:
        reasons = "; ".join(f"{pod}: {reason}" for pod, reason in sorted(held.items()))
        return (
            f"{node.name} was not empty after {timeout} s, since pods may not be evicted ({reasons}); give their "
            "PodDisruptionBudget a replica to spare, or remove it"
        )
    return (
        f"{node.name} was not empty after {timeout} s: {_some(left)} did not stop; look at them with kubectl describe, "
        "or allow more time"
    )


def _some(pods: Sequence[Pod]) -> str:
    names = [str(pod) for pod in pods]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
