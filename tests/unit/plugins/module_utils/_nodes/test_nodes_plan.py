# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and taints: what is set, what is taken away, and what is left to others."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nodes.convert import (
    found_from,
    patch_for,
    wanted_from,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nodes.model import FoundNode, Taint, WantedNode
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nodes.plan import difference, plan, waiting_for

GPU = Taint("gpu", "NoSchedule", "nvidia")
NOT_READY = Taint("node.kubernetes.io/not-ready", "NoSchedule")
OWNED = {"owned_labels": ("workload",), "owned_taints": ("gpu:NoSchedule",)}


def found(**values: Any) -> dict[str, FoundNode]:
    return {"k3s1": FoundNode("k3s1", **({"labels": {}} | values))}


@pytest.mark.parametrize(
    ("wanted", "cluster", "sentence"),
    [
        (WantedNode("k3s1", {"workload": "light"}), found(), "k3s1: label workload=light"),
        (
            WantedNode("k3s1", {"workload": "heavy"}),
            found(labels={"workload": "light"}, owned_labels=("workload",)),
            "k3s1: label workload=heavy",
        ),
        (
            WantedNode("k3s1", {}),
            found(labels={"workload": "light", "theirs": "x"}, owned_labels=("workload",)),
            "k3s1: remove label workload",
        ),
        (WantedNode("k3s1", {}, (GPU,)), found(taints=(NOT_READY,)), "k3s1: taint gpu=nvidia:NoSchedule"),
        (
            WantedNode("k3s1", {}),
            found(taints=(NOT_READY, GPU), owned_taints=("gpu:NoSchedule",)),
            "k3s1: remove taint gpu=nvidia:NoSchedule",
        ),
        (
            WantedNode("k3s1", {"workload": "light"}),
            found(labels={"workload": "light"}),
            "k3s1: note which labels and taints the inventory owns",
        ),
    ],
)
def test_plan_says_what_it_does(wanted: WantedNode, cluster: dict[str, FoundNode], sentence: str) -> None:
    assert [action.sentence for action in plan([wanted], cluster)] == [sentence]


def test_plan_of_a_node_in_step_is_empty() -> None:
    wanted = WantedNode("k3s1", {"workload": "light"}, (GPU,))
    assert plan([wanted], found(labels={"workload": "light"}, taints=(GPU, NOT_READY), **OWNED)) == []


def test_plan_keeps_the_taints_of_others() -> None:
    (action,) = plan([WantedNode("k3s1", {}, (GPU,))], found(taints=(NOT_READY,)))
    assert action.taints == (NOT_READY, GPU)


def test_plan_leaves_out_nodes_that_are_not_there() -> None:
    assert plan([WantedNode("k3s9", {"a": "b"})], found()) == []


def test_plan_does_not_depend_on_the_order_of_its_input() -> None:
    nodes = [WantedNode(name, {"a": "b"}) for name in ("k3s2", "k3s1")]
    cluster = {name: FoundNode(name, {}) for name in ("k3s1", "k3s2")}
    assert plan(nodes, cluster) == plan(nodes[::-1], cluster)


@pytest.mark.parametrize(
    ("cluster", "condition", "missing"),
    [
        ({}, "registered", ["k3s1 has not registered"]),
        (found(version="v1.31.9+k3s1"), "registered", ["k3s1 runs v1.31.9+k3s1, expected v1.32.5+k3s1"]),
        (found(version="v1.32.5+k3s1"), "registered", []),
        (
            found(version="v1.32.5+k3s1", condition="KubeletNotReady: cni plugin not initialized"),
            "ready",
            ["k3s1 is not Ready, last seen: KubeletNotReady: cni plugin not initialized"],
        ),
        (found(version="v1.32.5+k3s1", ready=True), "ready", []),
    ],
)
def test_waiting_for_names_what_was_last_seen(
    cluster: dict[str, FoundNode], condition: str, missing: list[str]
) -> None:
    assert waiting_for([WantedNode("k3s1", {}, version="v1.32.5+k3s1")], cluster, condition) == missing


def test_patch_replaces_taints_guarded_by_the_resource_version_and_keeps_their_fields() -> None:
    raw = {"key": NOT_READY.key, "effect": "NoSchedule", "timeAdded": "2026-11-23T00:00:00Z"}
    document = {
        "metadata": {"name": "k3s1", "resourceVersion": "7", "labels": {}},
        "spec": {"taints": [raw]},
        "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "R", "message": "m"}]},
    }
    node = found_from(document)
    (action,) = plan(
        [wanted_from({"name": "k3s1", "labels": {"n": 1}, "taints": [{"key": "a", "effect": "NoExecute"}]})],
        {"k3s1": node},
    )
    patch = patch_for(action, node)
    assert patch["metadata"]["resourceVersion"] == "7"
    assert patch["metadata"]["labels"] == {"n": "1"}
    assert patch["spec"]["taints"] == [raw, {"key": "a", "effect": "NoExecute"}]
    assert node.condition == "R: m"


def test_patch_of_labels_alone_needs_no_guard() -> None:
    node = FoundNode("k3s1", {}, resource_version="7")
    (action,) = plan([WantedNode("k3s1", {"a": "b"})], {"k3s1": node})
    assert "resourceVersion" not in patch_for(action, node)["metadata"]


def test_difference_shows_both_sides() -> None:
    cluster = found(labels={"workload": "light"}, owned_labels=("workload",))
    actions = plan([WantedNode("k3s1", {"workload": "heavy"})], cluster)
    assert difference(actions, cluster) == {
        "before": "k3s1 label workload=light\n",
        "after": "k3s1 label workload=heavy\n",
    }
