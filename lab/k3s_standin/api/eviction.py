# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PodDisruptionBudgets: their status from the pods there are, and the eviction that honours them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lab.k3s_standin.api import selectors
from lab.k3s_standin.api.errors import ApiError, Obj
from lab.k3s_standin.api.printers import condition

REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget."


def budget_status(budget: Obj, pods: Sequence[Obj], expected: int) -> Obj:
    """The numbers of a budget's status; `expected` is how many pods their controllers want."""
    spec = budget.get("spec") or {}
    matches = selectors.from_object(spec.get("selector"))
    chosen = [pod for pod in pods if matches(pod["metadata"].get("labels") or {})]
    healthy = sum(condition(pod, "Ready") == "True" and "deletionTimestamp" not in pod["metadata"] for pod in chosen)
    if "maxUnavailable" in spec:
        desired = max(0, expected - _scaled(spec["maxUnavailable"], expected))
    else:
        desired = _scaled(spec.get("minAvailable", 1), expected)
    return {
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "disruptionsAllowed": max(0, healthy - desired) if expected else 0,
        "expectedPods": expected,
        "observedGeneration": budget["metadata"].get("generation", 1),
    }


def matching(pods: Sequence[Obj], budget: Obj) -> list[Obj]:
    """The pods a budget selects."""
    matches = selectors.from_object((budget.get("spec") or {}).get("selector"))
    return [pod for pod in pods if matches(pod["metadata"].get("labels") or {})]


def check(pod: Obj, budgets: Sequence[tuple[Obj, Obj]]) -> None:
    """Refuse the eviction of a pod that one of (budget, status) forbids."""
    if (pod.get("status") or {}).get("phase") in ("Pending", "Succeeded", "Failed") or "deletionTimestamp" in pod[
        "metadata"
    ]:
        return
    concerned = [(budget, status) for budget, status in budgets if matching([pod], budget)]
    if len(concerned) > 1:
        text = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise ApiError(500, "InternalError", text)
    for budget, status in concerned:
        ready = condition(pod, "Ready") == "True"
        # Upstream's IfHealthyBudget: a pod that is not ready may go while the budget is met.
        if not ready and status["currentHealthy"] >= status["desiredHealthy"] > 0:
            continue
        if status["disruptionsAllowed"] < 1:
            name = budget["metadata"]["name"]
            message = (
                f"The disruption budget {name} needs {status['desiredHealthy']} healthy pods and has"
                f" {status['currentHealthy']} currently"
            )
            details = {"causes": [{"reason": "DisruptionBudget", "message": message}]}
            raise ApiError(429, "TooManyRequests", REFUSAL, details)


def _scaled(value: int | str, whole: int) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return math.ceil(int(value[:-1]) * whole / 100)
    return int(value)
