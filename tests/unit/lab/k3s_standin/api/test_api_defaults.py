# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from lab.k3s_standin.api.defaults import free_address, prepare
from lab.k3s_standin.api.errors import Invalid

RANGE = "10.43.0.0/16"


def _prepared(key: str, **parts: Any) -> dict[str, Any]:
    obj: dict[str, Any] = {"metadata": {"name": "x"}, **parts}
    prepare(key, obj, lambda wanted: wanted or "10.43.9.9")
    return obj


def test_secret_strings_win_over_data() -> None:
    secret = _prepared("secrets", data={"a": "eA==", "b": "eA=="}, stringData={"a": "y"})
    assert secret == {"metadata": {"name": "x"}, "type": "Opaque", "data": {"a": "eQ==", "b": "eA=="}}


def test_namespace_is_active_and_finalized_by_the_server() -> None:
    namespace = _prepared("namespaces")
    assert (namespace["spec"], namespace["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})
    assert namespace["metadata"]["labels"] == {"kubernetes.io/metadata.name": "x"}


def test_defaults_do_not_replace_what_is_there() -> None:
    assert _prepared("deployments.apps", spec={"replicas": 0})["spec"]["replicas"] == 0


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("a", "Always"),
        ("a:latest", "Always"),
        ("a:1", "IfNotPresent"),
        ("r:5000/a", "Always"),
        ("a@sha256:0", "IfNotPresent"),
    ],
)
def test_image_pull_policy_depends_on_the_tag(image: str, policy: str) -> None:
    pod = _prepared("pods", spec={"containers": [{"name": "c", "image": image}]})
    assert pod["spec"]["containers"][0]["imagePullPolicy"] == policy


@pytest.mark.parametrize(
    ("spec", "address"),
    [
        ({}, "10.43.9.9"),
        ({"clusterIP": "None"}, "None"),
        ({"clusterIP": "10.43.0.10"}, "10.43.0.10"),
        ({"type": "ExternalName"}, None),
    ],
)
def test_service_address(spec: dict[str, Any], address: str | None) -> None:
    assert _prepared("services", spec=dict(spec))["spec"].get("clusterIP") == address


def test_free_address_leaves_the_first_ones_to_those_who_ask_for_them() -> None:
    assert free_address(RANGE, [], None, "x") == "10.43.1.0"
    assert free_address(RANGE, ["10.43.1.0"], None, "x") == "10.43.1.1"
    assert free_address(RANGE, [], "10.43.0.10", "x") == "10.43.0.10"


@pytest.mark.parametrize(("taken", "wanted"), [(["10.43.0.10"], "10.43.0.10"), ([], "10.44.0.1")])
def test_free_address_refuses_what_is_taken_or_outside(taken: list[str], wanted: str) -> None:
    with pytest.raises(Invalid, match=r"spec\.clusterIPs: Invalid value"):
        free_address(RANGE, taken, wanted, "x")
