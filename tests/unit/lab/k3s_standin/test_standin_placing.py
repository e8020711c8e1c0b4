# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from lab.k3s_standin.controllers import nodes, placing

NR = "node.kubernetes.io/not-ready"


def _node(
    labels: dict[str, str] | None = None, taints: list[dict[str, str]] | None = None, **spec: Any
) -> dict[str, Any]:
    return {"metadata": {"name": "n", "labels": labels or {}}, "spec": {"taints": taints or [], **spec}}


def _affinity(**expression: Any) -> dict[str, Any]:
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}


TAINT = {"key": "gpu", "value": "nvidia", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("spec", "labels", "taints", "wanted"),
    [
        ({}, {}, [], True),
        ({"nodeSelector": {"a": "1"}}, {"a": "1"}, [], True),
        ({"nodeSelector": {"a": "1"}}, {"a": "2"}, [], False),
        ({}, {}, [TAINT], False),
        ({}, {}, [{**TAINT, "effect": "PreferNoSchedule"}], True),
        ({"tolerations": [{"operator": "Exists"}]}, {}, [TAINT], True),
        ({"tolerations": [{"key": "gpu", "value": "nvidia", "effect": "NoSchedule"}]}, {}, [TAINT], True),
        ({"tolerations": [{"key": "gpu", "value": "amd"}]}, {}, [TAINT], False),
        ({"tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoExecute"}]}, {}, [TAINT], False),
        (_affinity(key="a", operator="In", values=["1"]), {"a": "1"}, [], True),
        (_affinity(key="a", operator="NotIn", values=["1"]), {"a": "1"}, [], False),
        (_affinity(key="a", operator="DoesNotExist"), {}, [], True),
        (_affinity(key="a", operator="Gt", values=["5"]), {"a": "10"}, [], True),
        (_affinity(key="a", operator="Exists"), {}, [], False),
    ],
)
def test_pods_fit_by_selector_affinity_and_taints(
    spec: dict[str, Any], labels: dict[str, str], taints: list[dict[str, str]], wanted: bool
) -> None:
    assert placing.fits(spec, _node(labels, taints)) is wanted


def test_daemons_run_on_nodes_that_are_cordoned_but_not_on_tainted_ones() -> None:
    spec = {"tolerations": placing.daemon_tolerations({})}
    cordoned = [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]
    assert placing.fits(spec, _node(taints=cordoned))
    assert not placing.fits(spec, _node(taints=[TAINT]))


def _ready(status: str, taints: list[dict[str, str]], **spec: Any) -> dict[str, Any]:
    return {**_node(taints=taints, **spec), "status": {"conditions": [{"type": "Ready", "status": status}]}}


def _keys(node: dict[str, Any]) -> list[str]:
    return [f"{taint['key'].rpartition('/')[2]}:{taint['effect']}" for taint in nodes.wanted_taints(node)]


@pytest.mark.parametrize(
    ("node", "wanted"),
    [
        (_ready("True", []), []),
        (_ready("False", []), ["not-ready:NoExecute", "not-ready:NoSchedule"]),
        (_ready("Unknown", [{"key": NR, "effect": "NoSchedule"}]), ["unreachable:NoExecute", "unreachable:NoSchedule"]),
        (_ready("True", [TAINT, {"key": NR, "effect": "NoSchedule"}]), ["gpu:NoSchedule"]),
        (_ready("True", [], unschedulable=True), ["unschedulable:NoSchedule"]),
    ],
)
def test_taints_follow_conditions_and_leave_the_owners_alone(node: dict[str, Any], wanted: list[str]) -> None:
    assert _keys(node) == wanted


def test_a_taint_that_stays_keeps_its_time() -> None:
    old = {"key": NR, "effect": "NoSchedule", "timeAdded": "2026-01-01T00:00:00Z"}
    assert old in nodes.wanted_taints(_ready("False", [old]))
