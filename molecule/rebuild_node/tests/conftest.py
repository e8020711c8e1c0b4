# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's twin, and objects that every rebuild has to leave as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.twin import Twin

OBJECTS: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}, "data": {"a": "b"}},
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kept"}, "stringData": {"a": "b"}},
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "longhorn-system"}},
    {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "nodes.longhorn.io"},
        "spec": {
            "group": "longhorn.io",
            "scope": "Namespaced",
            "names": {"plural": "nodes", "singular": "node", "kind": "Node"},
            "versions": [
                {
                    "name": "v1beta2",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                }
            ],
        },
    },
]
LONGHORN_NODE = {
    "apiVersion": "longhorn.io/v1beta2",
    "kind": "Node",
    "metadata": {"name": "k3s1", "namespace": "longhorn-system"},
    "spec": {"disks": {"ssd-1": {"path": "/mnt/ssd-1", "storageReserved": 1}}},
}
KEPT = (
    ("configmap", "kept", "default"),
    ("secret", "kept", "default"),
    ("nodes.longhorn.io", "k3s1", "longhorn-system"),
    ("namespace", "kube-system", "default"),
)


def uids(twin: Twin) -> dict[str, str]:
    """Identity of every object that has to survive."""
    return {
        f"{kind}/{name}": twin.get(kind, name, f"--namespace={namespace}")["metadata"]["uid"]
        for kind, name, namespace in KEPT
    }


@pytest.fixture(scope="session")
def twin() -> Twin:
    return Twin(Path(__file__).resolve().parents[1] / "inventory")


@pytest.fixture(scope="session")
def identities(twin: Twin) -> dict[str, str]:
    """The objects, made once."""
    twin.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": OBJECTS}))
    twin.kubectl("wait", "--for=condition=Established", "crd/nodes.longhorn.io", "--timeout=20s")
    twin.kubectl("apply", "-f", "-", stdin=json.dumps(LONGHORN_NODE))
    return uids(twin)


@pytest.fixture(autouse=True)
def survivors(twin: Twin, identities: dict[str, str]) -> Iterator[None]:
    """Whatever a test does, the objects are the same ones afterwards, and both nodes are Ready and take pods."""
    yield
    assert uids(twin) == identities
    for node in twin.get("nodes")["items"]:
        conditions = {item["type"]: item["status"] for item in node["status"]["conditions"]}
        assert conditions["Ready"] == "True", node["metadata"]["name"]
        assert not node["spec"].get("unschedulable"), node["metadata"]["name"]
