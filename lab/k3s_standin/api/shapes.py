# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How lists and maps merge, by field path: a table for built-in kinds, the schema for custom ones.

From the patchStrategy, patchMergeKey, listType and mapType markers of k8s.io/api v0.32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Names = tuple[str, ...]


@dataclass(frozen=True)
class FieldType:
    """`keys` identify an item of a list-map in server-side apply, `merge_key` in a strategic merge patch."""

    list_type: str = "atomic"
    keys: tuple[str, ...] = ()
    merge_key: str = ""
    atomic_map: bool = False
    retain_keys: bool = False


# Answers for a path of field names, list items adding nothing to the path.
Shape = Callable[[Names], FieldType]

_ATOMIC = FieldType()
_SET = FieldType("set", merge_key="=")
_REFERENCE = FieldType(atomic_map=True)


def _map(*keys: str, merge_key: str | None = None, retain_keys: bool = False) -> FieldType:
    return FieldType("map", keys, keys[0] if merge_key is None else merge_key, retain_keys=retain_keys)


# Key: the field's name, or "parent.field" where the name alone says too little.
_FIELDS: dict[str, FieldType] = {
    "ownerReferences": _map("uid"),
    "finalizers": _SET,
    "containers": _map("name"),
    "initContainers": _map("name"),
    "ephemeralContainers": _map("name"),
    "env": _map("name"),
    "containers.ports": _map("containerPort", "protocol"),
    "initContainers.ports": _map("containerPort", "protocol"),
    "spec.ports": _map("port", "protocol"),
    "volumes": _map("name", retain_keys=True),
    "volumeMounts": _map("mountPath"),
    "volumeDevices": _map("devicePath"),
    "imagePullSecrets": _map("name"),
    "hostAliases": _map("ip"),
    "topologySpreadConstraints": _map("topologyKey", "whenUnsatisfiable"),
    "schedulingGates": _map("name"),
    "resourceClaims": _map("name"),
    "claims": _map("name", merge_key=""),
    "podIPs": _map("ip"),
    "hostIPs": FieldType(merge_key="ip"),
    "conditions": _map("type"),
    "status.addresses": _map("type"),
    "podCIDRs": _SET,
    "secrets": _map("name"),
    "webhooks": _map("name"),
    "matchConditions": _map("name"),
    "spec.drivers": _map("name"),
    "subsets.ports": _ATOMIC,
    "strategy": FieldType(retain_keys=True),
    "selector": _REFERENCE,
    "podSelector": _REFERENCE,
    "namespaceSelector": _REFERENCE,
    "labelSelector": _REFERENCE,
    "nodeSelector": _REFERENCE,
    "roleRef": _REFERENCE,
    "claimRef": _REFERENCE,
    "involvedObject": _REFERENCE,
    "secretKeyRef": _REFERENCE,
    "configMapKeyRef": _REFERENCE,
    "fieldRef": _REFERENCE,
}
# Defaults that a list-map key takes when an item leaves it out.
KEY_DEFAULTS = {"protocol": "TCP"}


def builtin_shape(names: Names) -> FieldType:
    """The merge rules of built-in kinds."""
    if len(names) > 1 and (found := _FIELDS.get(".".join(names[-2:]))):
        return found
    return _FIELDS.get(names[-1], _ATOMIC) if names else _ATOMIC


def schema_shape(schema: dict[str, Any] | None) -> Shape:
    """The merge rules of a custom resource: x-kubernetes-list-type and x-kubernetes-map-type."""

    def shape(names: Names) -> FieldType:
        if names[:1] == ("metadata",):
            return builtin_shape(names)
        node: dict[str, Any] = schema or {}
        for name in names:
            node = node.get("items", node) if node.get("type") == "array" else node
            node = (node.get("properties") or {}).get(name) or node.get("additionalProperties") or {}
            if not isinstance(node, dict):
                return _ATOMIC
        kind = node.get("x-kubernetes-list-type", "atomic")
        keys = tuple(node.get("x-kubernetes-list-map-keys") or ())
        return FieldType(kind, keys, atomic_map=node.get("x-kubernetes-map-type") == "atomic")

    return shape
