# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both doubles do with objects of Flux: when to look at one, and how it is told what came of it."""

from __future__ import annotations

import base64
import re
import time
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import Cluster
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.objects import path_of

Obj = dict[str, Any]
REQUESTED = "reconcile.fluxcd.io/requestedAt"
RETRY_SECONDS = 2.0
_PART = re.compile(r"(\d+)(h|m|s)")


class Failure(Exception):
    """Why an object cannot be reconciled: upstream's reason, and a message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def seconds(duration: str) -> float:
    """1m30s -> 90."""
    return sum(float(number) * {"h": 3600, "m": 60, "s": 1}[unit] for number, unit in _PART.findall(duration))


def asked(item: Obj) -> str:
    """What somebody wrote to have it looked at."""
    return str((item["metadata"].get("annotations") or {}).get(REQUESTED, ""))


def ready(item: Obj) -> bool:
    """Whether the newest generation of it is Ready."""
    status = item.get("status") or {}
    states = {each["type"]: each["status"] for each in status.get("conditions") or ()}
    return states.get("Ready") == "True" and status.get("observedGeneration") == item["metadata"]["generation"]


def is_due(item: Obj, looked: float) -> bool:
    """By its generation, by a request, by its interval, and soon again where it failed."""
    status = item.get("status") or {}
    if status.get("observedGeneration") != item["metadata"]["generation"]:
        return True
    if asked(item) and status.get("lastHandledReconcileAt") != asked(item):
        return True
    pause = seconds(item["spec"].get("interval", "1m")) if ready(item) else RETRY_SECONDS
    return time.monotonic() - looked > pause


def report(cluster: Cluster, item: Obj, failure: Failure | None, reason: str, message: str, **more: Any) -> None:
    """Conditions, generation and request as upstream has them."""
    condition = {
        "type": "Ready",
        "status": "False" if failure else "True",
        "reason": failure.reason if failure else reason,
        "message": str(failure) if failure else message,
        "observedGeneration": item["metadata"]["generation"],
        "lastTransitionTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    handled = {"lastHandledReconcileAt": asked(item)} if asked(item) else {}
    status = {"conditions": [condition], "observedGeneration": item["metadata"]["generation"], **handled, **more}
    cluster.merge(f"{path_of(item)}/status", {"status": status})


def secret(cluster: Cluster, namespace: str, name: str) -> dict[str, bytes]:
    """The values of a Secret; KeyError where there is none."""
    found = cluster.find(f"/api/v1/namespaces/{namespace}/secrets/{name}")
    if found is None:
        raise KeyError(name)
    return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
