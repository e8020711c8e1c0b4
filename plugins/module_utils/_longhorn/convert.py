# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: between the documents of Kubernetes and Longhorn and the planner's types."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .disks import ANNOTATION, LABEL, Action, FoundDisk, FoundNode, LocalVolume, WantedDisk, WantedNode

Document = Mapping[str, Any]
HOSTNAME = "kubernetes.io/hostname"


def wanted_from(item: Document) -> WantedNode:
    """One entry of the module's option nodes."""
    disks = tuple(
        WantedDisk(disk["name"], disk["path"], tuple(disk.get("tags") or ()), int(disk["reserved"]))
        for disk in item.get("disks") or ()
    )
    return WantedNode(item["name"], disks, tuple(item.get("absent") or ()))


def found_from(node: Document, longhorn: Document | None, replicas: Sequence[Document]) -> FoundNode:
    """A Node object, with the one of Longhorn where there is one."""
    metadata = node["metadata"]
    here = longhorn or {}
    return FoundNode(
        name=metadata["name"],
        label=(metadata.get("labels") or {}).get(LABEL),
        config=_parsed((metadata.get("annotations") or {}).get(ANNOTATION)),
        seen=longhorn is not None,
        disks=_disks(here, replicas),
        version=here.get("metadata", {}).get("resourceVersion", ""),
    )


def _parsed(annotation: str | None) -> Any:
    try:
        return None if annotation is None else json.loads(annotation)
    except ValueError:
        return None


def _disks(longhorn: Document, replicas: Sequence[Document]) -> tuple[FoundDisk, ...]:
    states = longhorn.get("status", {}).get("diskStatus") or {}
    disks = longhorn.get("spec", {}).get("disks") or {}
    name = longhorn.get("metadata", {}).get("name", "")
    return tuple(
        FoundDisk(
            name=key,
            path=disk.get("path", ""),
            tags=tuple(disk.get("tags") or ()),
            reserved=int(disk.get("storageReserved") or 0),
            scheduling=bool(disk.get("allowScheduling")),
            evicting=bool(disk.get("evictionRequested")),
            replicas=len(_replicas_on(name, disk, states.get(key) or {}, replicas)),
        )
        for key, disk in sorted(disks.items())
    )


def _replicas_on(node: str, disk: Document, state: Document, replicas: Sequence[Document]) -> set[str]:
    """Names of replicas on a disk: those Longhorn counts, and those that say so themselves, broken ones too."""
    names = set(state.get("scheduledReplica") or {})
    for replica in replicas:
        spec = replica.get("spec", {})
        by_uuid = bool(state.get("diskUUID")) and spec.get("diskID") == state["diskUUID"]
        by_path = spec.get("nodeID") == node and bool(disk.get("path")) and spec.get("diskPath") == disk["path"]
        if by_uuid or by_path:
            names.add(replica["metadata"]["name"])
    return names


def volume_from(document: Document) -> LocalVolume | None:
    """A PersistentVolume, where it is a directory of a node."""
    spec = document.get("spec", {})
    path = (spec.get("local") or spec.get("hostPath") or {}).get("path")
    return LocalVolume(document["metadata"]["name"], path, _nodes_of(spec)) if path else None


def _nodes_of(spec: Document) -> tuple[str, ...]:
    terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or ()
    rules = [rule for term in terms for rule in term.get("matchExpressions") or ()]
    names = [rule.get("values") or () for rule in rules if (rule.get("key"), rule.get("operator")) == (HOSTNAME, "In")]
    return tuple(sorted({name for values in names for name in values}))


def patch_for(action: Action, found: FoundNode) -> dict[str, Any]:
    """The merge patch of an action; that of Longhorn's node is refused when somebody changed it in between."""
    if action.kind == "patch_disks":
        return {"metadata": {"resourceVersion": found.version}, "spec": {"disks": dict(action.disks)}}
    config = None if action.config is None else json.dumps(list(action.config), separators=(",", ":"))
    return {"metadata": {"labels": {LABEL: action.label}, "annotations": {ANNOTATION: config}}}
