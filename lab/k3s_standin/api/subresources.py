# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subresources that are more than a part of their object: scale, eviction, binding, token."""

from __future__ import annotations

from typing import Any

from lab.k3s_standin.api import eviction
from lab.k3s_standin.api.errors import NotFound, Obj, bad_request
from lab.k3s_standin.api.operations import Operations
from lab.k3s_standin.api.patch_json import apply as json_patch
from lab.k3s_standin.api.patch_json import merge
from lab.k3s_standin.api.resources import Resource
from lab.k3s_standin.api.validation import value_at
from lab.k3s_standin.api.writes import Caller, Place

_BUDGETS = "poddisruptionbudgets.policy"
_SCALE = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".spec.selector",
}


def scale_of(resource: Resource, obj: Obj) -> Obj:
    """autoscaling/v1 Scale of an object."""
    paths = resource.scale or _SCALE
    selector = value_at(obj, paths.get("labelSelectorPath", "").lstrip(".")) if paths.get("labelSelectorPath") else None
    if isinstance(selector, dict):
        labels = selector.get("matchLabels", selector)
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    metadata = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: Obj = {"replicas": value_at(obj, paths["statusReplicasPath"].lstrip(".")) or 0}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in kept if name in metadata},
        "spec": {"replicas": value_at(obj, paths["specReplicasPath"].lstrip(".")) or 0},
        "status": {**status, **({"selector": selector} if selector else {})},
    }


def write_scale(operations: Operations, place: Place, body: Any, caller: Caller) -> Obj:
    """PUT or PATCH of the scale subresource; `body` is a Scale, a merge patch of one, or a JSON patch."""
    resource = place.resource
    scale = scale_of(resource, operations.get(resource, place.namespace, place.name))
    wanted = json_patch(scale, body) if isinstance(body, list) else merge(scale, body)
    replicas = value_at(wanted, "spec.replicas")
    if not isinstance(replicas, int) or replicas < 0:
        raise bad_request(f"spec.replicas is {replicas!r}; a scale takes a number that is not negative")
    path = (resource.scale or _SCALE)["specReplicasPath"].lstrip(".").split(".")
    patch: Any = replicas
    for part in reversed(path):
        patch = {part: patch}
    version = value_at(body, "metadata.resourceVersion") if isinstance(body, dict) else None
    if version:
        patch["metadata"] = {"resourceVersion": version}
    return scale_of(resource, operations.patch(place, "application/merge-patch+json", patch, caller))


def evict(operations: Operations, namespace: str | None, name: str, body: Obj, caller: Caller) -> None:
    """Delete a pod unless a disruption budget forbids it."""
    pods = operations.registry.by_key("pods")
    pod = operations.get(pods, namespace, name)
    budgets = operations.list(operations.registry.by_key(_BUDGETS), namespace)[0]
    neighbours = operations.list(pods, namespace)[0]
    eviction.check(pod, [(budget, status_of(operations, budget, neighbours)) for budget in budgets])
    operations.delete(Place(pods, namespace, name), body.get("deleteOptions") or {}, caller)


def status_of(operations: Operations, budget: Obj, pods: list[Obj]) -> Obj:
    """A budget's status as of now."""
    return eviction.budget_status(budget, pods, _expected(operations, eviction.matching(pods, budget)))


def _expected(operations: Operations, pods: list[Obj]) -> int:
    # Controllers say how many pods there should be; pods of none (or of an unknown one) count themselves.
    owners: dict[str, int] = {}
    alone = 0
    for pod in pods:
        reference = next(
            (item for item in pod["metadata"].get("ownerReferences") or [] if item.get("controller")), None
        )
        resource = operations.registry.by_owner(reference) if reference else None
        if reference is None or resource is None:
            alone += 1
            continue
        if reference["uid"] not in owners:
            try:
                owner = operations.get(resource, pod["metadata"]["namespace"], reference["name"])
            except NotFound:
                owner = {}
            replicas = value_at(owner, "spec.replicas") or value_at(owner, "status.desiredNumberScheduled")
            owners[reference["uid"]] = int(
                replicas or sum(reference in (item["metadata"].get("ownerReferences") or []) for item in pods)
            )
    return alone + sum(owners.values())


def bind(operations: Operations, namespace: str | None, name: str, body: Obj, caller: Caller) -> None:
    """Assign a pod to a node, as the scheduler does."""
    node = value_at(body, "target.name")
    if not node:
        raise bad_request("a Binding needs target.name, the node")
    patch = {"spec": {"nodeName": node}}
    place = Place(operations.registry.by_key("pods"), namespace, name, "binding")
    operations.patch(place, "application/merge-patch+json", patch, caller)
