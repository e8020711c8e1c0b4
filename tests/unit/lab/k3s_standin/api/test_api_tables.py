# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from lab.k3s_standin.api import printers, printers_workload
from lab.k3s_standin.api.jsonpath import find
from lab.k3s_standin.api.printers import duration
from lab.k3s_standin.api.registry import Registry
from lab.k3s_standin.api.tables import table

REGISTRY = Registry()

# From apimachinery's duration_test.go.
DURATIONS = [
    (-2, "<invalid>"), (0, "0s"), (70, "70s"), (190, "3m10s"), (600, "10m"), (47 * 60, "47m"), (3 * 3600, "3h"),
    (3 * 3600 + 300, "3h5m"), (8 * 3600 + 1200, "8h"), (49 * 3600, "2d1h"), (8 * 86400, "8d"),
    (int(365 * 86400 * 1.5), "547d"), (2 * 365 * 86400, "2y"), (3 * 365 * 86400 + 86400, "3y1d"),
]  # fmt: skip

DOCUMENT: dict[str, Any] = {
    "metadata": {"labels": {"a.b/c": "x"}},
    "status": {"conditions": [{"type": "A", "status": "1"}, {"type": "Ready", "status": "2"}], "n": 3},
}
PATHS = [
    (".status.n", [3]),
    ("{.status.n}", [3]),
    (".status.conditions[0].status", ["1"]),
    (".status.conditions[-1].status", ["2"]),
    (".status.conditions[*].type", ["A", "Ready"]),
    ('.status.conditions[?(@.type=="Ready")].status', ["2"]),
    (".status.conditions[?(@.type=='None')].status", []),
    (r".metadata.labels.a\.b/c", ["x"]),
    (".metadata.labels['a.b/c']", ["x"]),
    (".missing.deep", []),
    (".status.conditions[9].type", []),
]


def _node(ready: str, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "n",
            "labels": {"node-role.kubernetes.io/etcd": "true", "node-role.kubernetes.io/master": ""},
        },
        "spec": spec,
        "status": {
            "conditions": [{"type": "Ready", "status": ready}],
            "nodeInfo": {"kubeletVersion": "v1.32.5+k3s1", "osImage": "Debian"},
            "addresses": [{"type": "InternalIP", "address": "198.18.10.21"}],
        },
    }


NODES = [
    (_node("True"), "Ready"),
    (_node("False"), "NotReady"),
    (_node("Unknown", unschedulable=True), "NotReady,SchedulingDisabled"),
    ({"metadata": {"name": "n"}}, "Unknown"),
]


@pytest.mark.parametrize(("seconds", "text"), DURATIONS)
def test_duration_is_written_as_kubectl_does(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("path", "values"), PATHS)
def test_jsonpath(path: str, values: list[Any]) -> None:
    assert find(DOCUMENT, path) == values


@pytest.mark.parametrize(("node", "status"), NODES)
def test_node_status(node: dict[str, Any], status: str) -> None:
    assert printers.node_status(node) == status


def test_node_table_has_kubectls_columns_and_cells() -> None:
    answer = table(REGISTRY.by_key("nodes"), "v1", [_node("True")], {}, "None")
    names = [column["name"] for column in answer["columnDefinitions"]]
    wanted = "Name Status Roles Age Version Internal-IP External-IP OS-Image Kernel-Version Container-Runtime"
    assert names == wanted.split()
    cells = "n Ready etcd,master <unknown> v1.32.5+k3s1 198.18.10.21 <none> Debian <unknown> <unknown>"
    assert answer["rows"] == [{"cells": cells.split()}]


INCLUDES = [("None", None), ("Metadata", "PartialObjectMetadata"), ("Object", "Node")]


@pytest.mark.parametrize(("include", "expected"), INCLUDES)
def test_table_includes_what_was_asked_for(include: str, expected: str | None) -> None:
    node = {"kind": "Node", **_node("True")}
    row = table(REGISTRY.by_key("nodes"), "v1", [node], {}, include)["rows"][0]
    assert row.get("object", {}).get("kind") == expected


def test_every_column_of_every_resource_has_a_printer_that_bears_an_empty_object() -> None:
    for resource in REGISTRY.all():
        if "roleRef" in str(resource.columns) or "rolebindings" in resource.plural:
            continue
        empty = {"metadata": {"name": "x", "namespace": "d"}}
        row = table(resource, resource.versions[0], [empty], {}, "None")["rows"][0]
        assert len(row["cells"]) >= 2


SERVICES = [
    ({"spec": {"ports": [{"port": 80}, {"port": 443, "nodePort": 30443, "protocol": "TCP"}]}}, "80/TCP,443:30443/TCP"),
    ({"spec": {}}, "<none>"),
]


@pytest.mark.parametrize(("service", "ports"), SERVICES)
def test_service_ports(service: dict[str, Any], ports: str) -> None:
    assert printers_workload.service_ports(service) == ports
