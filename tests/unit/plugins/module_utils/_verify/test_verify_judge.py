# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fault of a homelab turns exactly the row red that is about it, and the sentence says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.judge import judge
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.model import BAD, OK, UNKNOWN
from tests.unit.verified_faults import FAULTS, condition
from tests.unit.verified_home import RECENTLY, Home, flux, named


def test_a_healthy_homelab_has_no_fault_and_nothing_is_left_out() -> None:
    rows = judge(Home().world())
    assert [row for row in rows if row.status != OK] == []
    assert {row.area for row in rows} == {
        "machines", "nodes", "datastore", "network", "storage", "nfs", "gpu", "gitops", "workloads",
    }  # fmt: skip
    keys = [row.key for row in rows]
    assert len(set(keys)) == len(keys), "two rows are told apart by their keys"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_turns_exactly_its_row_red(fault: str) -> None:
    key, advice, spoil = FAULTS[fault]
    home = Home()
    spoil(home)
    red = {row.key: row for row in judge(home.world()) if row.is_fault}
    if fault == "node missing":
        # what a node offers is gone with it
        assert red.pop("gpu/worker/allocatable-intel").status == BAD
    assert list(red) == [key]
    assert advice in red[key].said


def test_an_api_that_is_silent_hides_the_rows_behind_it() -> None:
    home = Home()
    home.silence, home.objects = "the API did not answer: refused", {}
    rows = judge(home.world())
    assert [row.key for row in rows if row.is_fault] == ["nodes/cluster/api"]
    assert {row.status for row in rows if row.area == "nodes"} == {"bad", "blind"}


@pytest.mark.parametrize("look", ["machine", "k3s", "certificates", "storage", "gpus"])
def test_a_look_that_failed_is_unknown_and_no_success(look: str) -> None:
    home = Home()
    home.evidence["worker"][look] = {"failed": True, "msg": "openssl is not there\nTraceback"}
    red = [row for row in judge(home.world()) if row.is_fault]
    assert [row.status for row in red] == [UNKNOWN]
    assert red[0].subject == "worker"
    assert red[0].said.endswith("could not be looked at: openssl is not there")


@pytest.mark.parametrize(
    ("look", "status", "said"),
    [
        ({"router_connected": True}, "ok", "connected with 192.0.2.1: worker"),
        ({"router_connected": False}, BAD, "worker has no connection to 192.0.2.1 port 179, expected a BGP session"),
        ({"router_connected": None}, UNKNOWN, "could not be looked at on worker"),
        (None, "blind", "worker did not answer"),
    ],
)
def test_sessions_of_a_cilium_that_does_not_tell_them(look: dict[str, bool] | None, status: str, said: str) -> None:
    home = Home()
    home.objects |= {"ciliumbgpnodeconfigs": None, "ciliumbgppeeringpolicies": [named("homelab")]}
    home.evidence["worker"]["machine"] |= look or {}
    if look is None:
        home.evidence["worker"]["unreachable"] = "no route to host"
    (row,) = [row for row in judge(home.world()) if row.key == "network/bgp/sessions"]
    assert (row.status, said in row.said) == (status, True), row


@pytest.mark.parametrize("configs", [None, []])
def test_bgp_that_nobody_told_cilium_of(configs: list[dict[str, Any]] | None) -> None:
    home = Home()
    home.objects |= {"ciliumbgpnodeconfigs": configs, "ciliumbgppeeringpolicies": configs}
    (row,) = [row for row in judge(home.world()) if row.is_fault]
    assert row.key == "network/bgp/sessions" and "nothing tells Cilium to speak BGP" in row.said


def test_layers_that_are_not_built_are_one_line_each() -> None:
    home = Home()
    home.layers = ("hosts", "cluster")
    off = [row.key for row in judge(home.world()) if row.status == "off"]
    assert off == ["network/layer/built", "storage/layer/built", "gpu/layer/built", "gitops/layer/built"]


def test_what_is_on_its_way_is_no_fault() -> None:
    home = Home()
    item = flux("new")
    condition(item, "Ready", "Unknown", lastTransitionTime=RECENTLY, message="Reconciliation in progress")
    home.objects["kustomizations"].append(item)
    claim = named("new", "media", spec={"storageClassName": "longhorn"}, status={"phase": "Pending"})
    claim["metadata"]["creationTimestamp"] = RECENTLY
    home.objects["persistentvolumeclaims"].append(claim)
    assert [row for row in judge(home.world()) if row.is_fault] == []


def test_a_young_server_may_be_without_a_snapshot() -> None:
    home = Home()
    home.objects["etcdsnapshotfiles"] = []
    home.one("nodes", "master")["metadata"]["creationTimestamp"] = RECENTLY
    assert [row.status for row in judge(home.world()) if row.check == "snapshot"] == ["note"]


def test_a_row_behind_another_is_not_red_too() -> None:
    home = Home()
    condition(home.one("nodes", "worker"), "Ready", "Unknown")
    home.evidence["worker"]["k3s"]["active"] = []
    assert [row.key for row in judge(home.world()) if row.is_fault] == ["machines/worker/k3s"]
    home.silence, home.evidence["master"]["k3s"]["active"] = "refused", []
    assert [row.key for row in judge(home.world()) if row.is_fault] == ["machines/master/k3s", "machines/worker/k3s"]


def test_of_a_long_story_about_ssh_the_end_is_told() -> None:
    home = Home()
    home.evidence["worker"]["unreachable"] = (
        "Task failed: Data could not be sent. Make sure: Connection timed out\nmore"
    )
    said = [row.said for row in judge(home.world()) if row.is_fault]
    assert said == [
        "does not answer over SSH at 192.0.2.21 (Connection timed out); look at its console, power and cable, "
        "then verify again"
    ]
