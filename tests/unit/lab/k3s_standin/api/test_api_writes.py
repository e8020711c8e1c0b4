# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from lab.k3s_standin.api.errors import ApiError, Conflict
from lab.k3s_standin.api.registry import Registry
from lab.k3s_standin.api.writes import check_preconditions, merge_write, patch_edit, with_policy

REGISTRY = Registry()
NODES, CONFIG_MAPS = REGISTRY.by_key("nodes"), REGISTRY.by_key("configmaps")
LIVE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "n", "uid": "u", "resourceVersion": "5", "creationTimestamp": "t"},
    "spec": {"a": 1},
    "status": {"b": 1},
}


def test_a_write_cannot_change_what_the_server_keeps() -> None:
    sent = {
        **LIVE,
        "metadata": {"name": "n", "creationTimestamp": "x", "generation": 9, "selfLink": "/x", "labels": {}},
    }
    assert merge_write(NODES, LIVE, sent, None)["metadata"] == LIVE["metadata"]


def test_a_write_of_the_object_leaves_its_status_and_the_other_way_round() -> None:
    sent = {**LIVE, "spec": {"a": 2}, "status": {"b": 2}}
    assert merge_write(NODES, LIVE, sent, None) == {**LIVE, "spec": {"a": 2}}
    assert merge_write(NODES, LIVE, sent, "status") == {**LIVE, "status": {"b": 2}}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({**LIVE, "metadata": {"name": "other"}}, 400),
        ({**LIVE, "metadata": {"name": "n", "uid": "other"}}, 409),
        ({**LIVE, "kind": "Pod"}, 400),
        ({**LIVE, "apiVersion": "v2"}, 400),
    ],
)
def test_a_write_for_another_object_is_refused(sent: dict[str, Any], code: int) -> None:
    with pytest.raises(ApiError) as refusal:
        merge_write(NODES, LIVE, sent, None)
    assert refusal.value.code == code


def test_an_object_in_deletion_gets_no_new_finalizers() -> None:
    live = {**LIVE, "metadata": {**LIVE["metadata"], "deletionTimestamp": "t", "finalizers": ["a"]}}
    sent = {**live, "metadata": {**live["metadata"], "finalizers": ["a", "b"]}}
    assert merge_write(NODES, live, sent, None)["metadata"]["finalizers"] == ["a"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["x"]),
        ({"propagationPolicy": "Background"}, ["x"]),
        ({"propagationPolicy": "Foreground"}, ["x", "foregroundDeletion"]),
        ({"propagationPolicy": "Orphan"}, ["x", "orphan"]),
        ({"orphanDependents": True}, ["x", "orphan"]),
    ],
)
def test_propagation_policy_is_a_finalizer(options: dict[str, Any], expected: list[str]) -> None:
    assert with_policy(["x"], options) == expected


def test_preconditions_must_hold() -> None:
    check_preconditions(NODES, LIVE, {"uid": "u", "resourceVersion": "5"})
    with pytest.raises(Conflict, match="UID in precondition: v, UID in object meta: u"):
        check_preconditions(NODES, LIVE, {"uid": "v"})


@pytest.mark.parametrize(
    ("kind", "patch", "code"),
    [
        ("application/merge-patch+json", [], 400),
        ("application/json-patch+json", {}, 400),
        ("application/json", {}, 415),
    ],
)
def test_a_patch_of_the_wrong_form_is_refused(kind: str, patch: Any, code: int) -> None:
    with pytest.raises(ApiError) as refusal:
        patch_edit(CONFIG_MAPS, kind, patch)(LIVE)
    assert refusal.value.code == code
