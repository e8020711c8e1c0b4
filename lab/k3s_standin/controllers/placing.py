# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes a pod fits: node selector, required node affinity, taints and tolerations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from lab.k3s_standin.api.errors import Obj

BLOCKING = ("NoSchedule", "NoExecute")
_PREFIX = "node.kubernetes.io/"
# What the DaemonSet controller adds to its pods.
_DAEMON_TOLERATIONS: tuple[Obj, ...] = tuple(
    {"key": f"{_PREFIX}{name}", "operator": "Exists", "effect": effect}
    for effect, names in (
        ("NoExecute", ("not-ready", "unreachable")),
        ("NoSchedule", ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")),
    )
    for name in names
)
_NETWORK: Obj = {"key": f"{_PREFIX}network-unavailable", "operator": "Exists", "effect": "NoSchedule"}


def daemon_tolerations(spec: Obj) -> list[Obj]:
    """Tolerations of a DaemonSet's pod."""
    own = list(spec.get("tolerations") or [])
    return own + list(_DAEMON_TOLERATIONS) + ([_NETWORK] if spec.get("hostNetwork") else [])


def fits(spec: Obj, node: Obj) -> bool:
    """Whether a pod of this spec may be placed on a node."""
    return selects(spec, node) and not untolerated(node, spec.get("tolerations") or [], BLOCKING)


def selects(spec: Obj, node: Obj) -> bool:
    """Whether node selector and required affinity accept a node."""
    labels: Mapping[str, str] = node["metadata"].get("labels") or {}
    if not (spec.get("nodeSelector") or {}).items() <= labels.items():
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    terms = (affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms")
    if terms is None:
        return True
    return any(_term(term, labels, node["metadata"]["name"]) for term in terms)


def untolerated(node: Obj, tolerations: Iterable[Obj], effects: Collection[str]) -> list[Obj]:
    """The node's taints that keep a pod away."""
    tolerations = list(tolerations)
    taints = [taint for taint in (node.get("spec") or {}).get("taints") or [] if taint["effect"] in effects]
    return [taint for taint in taints if not any(_tolerates(toleration, taint) for toleration in tolerations)]


def _tolerates(toleration: Obj, taint: Obj) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("key") not in (None, "", taint["key"]):
        return False
    exists = toleration.get("operator") == "Exists"
    return exists or toleration.get("value", "") == taint.get("value", "")


def _term(term: Obj, labels: Mapping[str, str], name: str) -> bool:
    by_label = all(_expression(item, labels) for item in term.get("matchExpressions") or [])
    fields = {"metadata.name": name}
    return by_label and all(_expression(item, fields) for item in term.get("matchFields") or [])


def _expression(item: Obj, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(item["key"]), item.get("values") or []
    operator = item["operator"]
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    if operator == "Exists":
        return value is not None
    if operator == "DoesNotExist":
        return value is None
    if value is None or not values:
        return False
    return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])
