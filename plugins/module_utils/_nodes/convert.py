# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: between the API's documents and the planner's types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .model import OWNED_ANNOTATION, Action, FoundNode, Taint, WantedNode


def found_from(document: Mapping[str, Any]) -> FoundNode:
    """A Node object of the API."""
    metadata, spec, status = document["metadata"], document.get("spec", {}), document.get("status", {})
    owned = _owned((metadata.get("annotations") or {}).get(OWNED_ANNOTATION))
    raw = tuple(spec.get("taints") or ())
    ready = next((item for item in status.get("conditions") or () if item["type"] == "Ready"), None)
    return FoundNode(
        name=metadata["name"],
        labels=dict(metadata.get("labels") or {}),
        taints=tuple(Taint(item["key"], item["effect"], item.get("value") or "") for item in raw),
        owned_labels=tuple(owned.get("labels", ())),
        owned_taints=tuple(owned.get("taints", ())),
        version=(status.get("nodeInfo") or {}).get("kubeletVersion", ""),
        ready=ready is not None and ready["status"] == "True",
        condition=f"{ready.get('reason')}: {ready.get('message')}" if ready else "no condition reported yet",
        resource_version=metadata.get("resourceVersion", ""),
        raw_taints=raw,
    )


def _owned(annotation: str | None) -> dict[str, list[str]]:
    try:
        found = json.loads(annotation or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def wanted_from(item: Mapping[str, Any]) -> WantedNode:
    """One entry of the module's option nodes."""
    taints = tuple(Taint(taint["key"], taint["effect"], taint.get("value") or "") for taint in item.get("taints") or ())
    labels = {str(key): str(value) for key, value in (item.get("labels") or {}).items()}
    return WantedNode(item["name"], labels, taints, item.get("version"))


def patch_for(action: Action, found: FoundNode) -> dict[str, Any]:
    """The merge patch of an action; it names resourceVersion when it replaces the taints, so that none is lost."""
    labels, taints = action.owned
    metadata: dict[str, Any] = {
        "annotations": {OWNED_ANNOTATION: json.dumps({"labels": labels, "taints": taints}, separators=(",", ":"))}
    }
    if action.labels:
        metadata["labels"] = action.labels
    patch: dict[str, Any] = {"metadata": metadata}
    if action.taints is not None:
        metadata["resourceVersion"] = found.resource_version
        patch["spec"] = {"taints": [_raw(taint, found) for taint in action.taints]}
    return patch


def _raw(taint: Taint, found: FoundNode) -> dict[str, str]:
    for raw, parsed in zip(found.raw_taints, found.taints, strict=True):
        if parsed == taint:
            return dict(raw)
    document = {"key": taint.key, "effect": taint.effect}
    return document | {"value": taint.value} if taint.value else document
