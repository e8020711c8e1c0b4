# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's twin, with device plugins of others in its API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.twin import Twin


@pytest.fixture(scope="session")
def twin() -> Twin:
    return Twin(Path(__file__).resolve().parents[1] / "inventory")


class Plugins:
    """Device plugins in the API, ours and those of others."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin

    def ours(self) -> dict[str, Any]:
        """Name -> pod template of each set of pods that runs Intel's plugin."""
        found = self.twin.get("daemonsets", "--all-namespaces")["items"]
        return {item["metadata"]["name"]: item["spec"]["template"]["spec"] for item in found}

    def apply(self, *documents: dict[str, Any]) -> None:
        items = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        self.twin.kubectl("apply", "--filename=-", stdin=json.dumps(items))

    def put(self, name: str, **metadata: Any) -> None:
        """A plugin in the namespace default, as somebody would have installed it."""
        labels = {"app": name}
        container = {"name": "plugin", "image": "intel/intel-gpu-plugin:0.30.0"}
        self.apply(
            {
                "apiVersion": "apps/v1",
                "kind": "DaemonSet",
                "metadata": {"name": name, "namespace": "default", **metadata},
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
                },
            }
        )

    def remove(self, name: str) -> None:
        self.twin.kubectl("delete", "daemonset", name, "--namespace=default", "--wait=true")

    def offer(self, node: str, resource: str, count: int) -> None:
        """Say in the kubelet's place what its device plugin would have told it."""
        status = {resource: str(count)}
        patch = {"status": {"capacity": status, "allocatable": status}}
        self.twin.kubectl("patch", "node", node, "--subresource=status", "--type=merge", f"--patch={json.dumps(patch)}")


@pytest.fixture(scope="session")
def plugins(twin: Twin) -> Plugins:
    return Plugins(twin)
