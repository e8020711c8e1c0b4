# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's twin, and Longhorn's kinds in its API: what Longhorn itself would do with them is not simulated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.twin import Twin

GROUP, NAMESPACE = "longhorn.io", "longhorn-system"
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@pytest.fixture(scope="session")
def twin() -> Twin:
    return Twin(Path(__file__).resolve().parents[1] / "inventory")


class Longhorn:
    """Longhorn's objects, made by hand."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin

    def apply(self, *documents: dict[str, Any]) -> None:
        items = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        self.twin.kubectl("apply", "--filename=-", stdin=json.dumps(items))

    def install(self) -> None:
        """Its namespace, its kinds, and the setting that the chart is asked for."""
        definitions = []
        for plural, kind in (("nodes", "Node"), ("replicas", "Replica"), ("settings", "Setting")):
            names = {"plural": plural, "kind": kind, "singular": kind.lower()}
            version = {"name": "v1beta2", "served": True, "storage": True, "schema": {"openAPIV3Schema": ANYTHING}}
            definitions.append(
                {
                    "apiVersion": "apiextensions.k8s.io/v1",
                    "kind": "CustomResourceDefinition",
                    "metadata": {"name": f"{plural}.{GROUP}"},
                    "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
                }
            )
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, *definitions)
        self.twin.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"crd/nodes.{GROUP}")
        self.put("Setting", "create-default-disk-labeled-nodes", value="true")

    def put(self, kind: str, name: str, **parts: Any) -> None:
        document = {"apiVersion": f"{GROUP}/v1beta2", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}}
        self.apply(document | parts)

    def disks(self, node: str) -> dict[str, Any]:
        disks: dict[str, Any] = self.twin.get(f"nodes.{GROUP}", node, f"--namespace={NAMESPACE}")["spec"]["disks"]
        return disks


@pytest.fixture(scope="session")
def longhorn(twin: Twin) -> Longhorn:
    return Longhorn(twin)
