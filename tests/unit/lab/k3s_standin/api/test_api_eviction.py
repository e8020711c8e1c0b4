# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from lab.k3s_standin.api import eviction
from lab.k3s_standin.api.errors import ApiError


def _pods(ready: int, unready: int = 0) -> list[dict[str, Any]]:
    return [_pod("True") for _ in range(ready)] + [_pod("False") for _ in range(unready)]


def _pod(ready: str, phase: str = "Running", **labels: str) -> dict[str, Any]:
    status = {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]}
    return {"metadata": {"name": "p", "labels": labels or {"app": "x"}}, "status": status}


def _budget(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "b"}, "spec": {"selector": {"matchLabels": {"app": "x"}}, **spec}}


# budget, pods, expected pods -> desired healthy, allowed disruptions
NUMBERS: list[tuple[dict[str, Any], list[dict[str, Any]], int, int, int]] = [
    (_budget(minAvailable=1), _pods(2), 2, 1, 1),
    (_budget(minAvailable=2), _pods(2), 2, 2, 0),
    (_budget(minAvailable="50%"), _pods(3), 3, 2, 1),
    (_budget(maxUnavailable=1), _pods(3), 3, 2, 1),
    (_budget(maxUnavailable=1), _pods(2, 1), 3, 2, 0),
    (_budget(maxUnavailable=0), _pods(3), 3, 3, 0),
    (_budget(maxUnavailable="34%"), _pods(3), 3, 1, 2),
    (_budget(minAvailable=1), [], 0, 1, 0),
]


@pytest.mark.parametrize(("budget", "pods", "expected", "desired", "allowed"), NUMBERS)
def test_budget_numbers(budget: Any, pods: Any, expected: int, desired: int, allowed: int) -> None:
    status = eviction.budget_status(budget, pods, expected)
    assert (status["desiredHealthy"], status["disruptionsAllowed"]) == (desired, allowed)


def _check(pod: dict[str, Any], *budgets: dict[str, Any]) -> None:
    eviction.check(pod, [(budget, eviction.budget_status(budget, _pods(1), 1)) for budget in budgets])


def test_eviction_is_refused_with_the_numbers() -> None:
    with pytest.raises(ApiError) as refusal:
        _check(_pod("True"), _budget(minAvailable=1))
    assert (refusal.value.code, refusal.value.message) == (429, eviction.REFUSAL)
    cause = (refusal.value.details or {})["causes"][0]
    assert cause["message"] == "The disruption budget b needs 1 healthy pods and has 1 currently"


def test_eviction_of_a_pod_with_two_budgets_is_an_error() -> None:
    with pytest.raises(ApiError) as refusal:
        _check(_pod("True"), _budget(minAvailable=0), _budget(minAvailable=0))
    assert refusal.value.code == 500


FREE = [_pod("True", phase="Succeeded"), _pod("True", phase="Pending"), _pod("False"), _pod("True", app="other")]


@pytest.mark.parametrize("pod", FREE, ids=["finished", "pending", "not ready and budget met", "not selected"])
def test_eviction_is_free_for_pods_the_budget_does_not_need(pod: dict[str, Any]) -> None:
    _check(pod, _budget(minAvailable=1))
