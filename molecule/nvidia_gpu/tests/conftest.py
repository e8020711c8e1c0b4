# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's twin, and device plugins that somebody else keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.twin import Twin

IMAGE = "nvcr.io/nvidia/k8s-device-plugin:v0.14.5"


class Cluster:
    """The cluster of the twin, changed as others would change it."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin

    def put_plugin(self, name: str, namespace: str = "default", **labels: str) -> None:
        """A device plugin of another owner; no pod of it runs, as none does in the lab."""
        match = {"app": name}
        pod = {"metadata": {"labels": match}, "spec": {"containers": [{"name": "plugin", "image": IMAGE}]}}
        metadata = {"name": name, "namespace": namespace, "labels": labels}
        spec = {"selector": {"matchLabels": match}, "template": pod}
        self.apply({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": spec})

    def apply(self, document: dict[str, Any]) -> None:
        self.twin.kubectl("apply", "--filename=-", stdin=json.dumps(document))

    def offer(self, node: str, shares: str | None) -> None:
        """What the plugin would register with the kubelet, said in its place."""
        status = {key: {"nvidia.com/gpu": shares} for key in ("capacity", "allocatable")}
        patch = json.dumps({"status": status})
        self.twin.kubectl("patch", "node", node, "--subresource=status", "--type=merge", f"--patch={patch}")

    def plugins(self) -> list[str]:
        items = self.twin.get("daemonsets", "--all-namespaces")["items"]
        return sorted(item["metadata"]["name"] for item in items)


@pytest.fixture(scope="session")
def twin() -> Twin:
    return Twin(Path(__file__).resolve().parents[1] / "inventory")


@pytest.fixture(scope="session")
def cluster(twin: Twin) -> Cluster:
    return Cluster(twin)
