# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's twin, whose stand-in plays Cilium's operator and agents."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.twin import ROOT, Run, Twin

NETWORK = "playbooks/network.yml"


@pytest.fixture(scope="session")
def twin() -> Twin:
    return Twin(Path(__file__).resolve().parents[1] / "inventory")


class Network:
    """What the cluster has of it."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin

    @property
    def values_file(self) -> Path:
        """Where a run writes the values for Flux."""
        return self.twin.state / "values.yaml"

    def chart(self, version: str) -> str:
        """A chart as the mirror has it."""
        return str(self.twin.state / "mirror" / "charts" / f"cilium-{version}.tgz")

    def helm(self, *arguments: str, stdin: str = "") -> str:
        """Standard output of helm with the kubeconfig that the build fetched."""
        where = (f"--kubeconfig={self.twin.state / 'kubeconfig'}", "--namespace=kube-system")
        argv = [str(ROOT / ".lab" / "bin" / "helm"), *arguments, *where]
        return subprocess.run(argv, check=True, capture_output=True, text=True, input=stdin).stdout

    def play(self, *more: str, **variables: Any) -> Run:
        return self.twin.play(NETWORK, "--extra-vars", json.dumps(variables), *more)

    def cilium(self, version: str, *more: str, **variables: Any) -> Run:
        return self.play(*more, homelab_release_overrides={"cilium": version}, **variables)

    def verified(self, key: str) -> tuple[str, str]:
        """State and sentence of one row of a verification, whatever the others say."""
        layers = {
            "homelab_layers": ["hosts", "cluster", "network"],
            "homelab_report_folder": str(self.twin.state / "v"),
        }
        run = self.twin.play("playbooks/verify.yml", "--extra-vars", json.dumps(layers))
        newest = max((self.twin.state / "v").glob("verify-*.json"), default=None)
        assert newest is not None, run.output
        rows = json.loads(newest.read_text())["rows"]
        (row,) = [row for row in rows if f"{row['area']}/{row['subject']}/{row['check']}" == key]
        return row["status"], row["said"]

    def revisions(self) -> dict[int, dict[str, Any]]:
        """Each revision of Helm, opened."""
        found = self.twin.get("secrets", "--namespace=kube-system", "--selector=owner=helm,name=cilium")["items"]
        opened = (gzip.decompress(base64.b64decode(base64.b64decode(item["data"]["release"]))) for item in found)
        return {release["version"]: release for release in map(json.loads, opened)}

    def named(self, kind: str) -> list[str]:
        return [item["metadata"]["name"] for item in self.twin.get(kind)["items"]]

    def config(self) -> dict[str, str]:
        data: dict[str, str] = self.twin.get("configmap", "cilium-config", "--namespace=kube-system")["data"]
        return data

    def gateway(self) -> dict[str, Any]:
        return self.twin.get("gateway", "main-gateway", "--namespace=networking")

    def bundles(self) -> set[str]:
        """Which Gateway API the definitions are of."""
        definitions = self.twin.get("customresourcedefinitions")["items"]
        marks = [item["metadata"].get("annotations") or {} for item in definitions]
        key = "gateway.networking.k8s.io/bundle-version"
        return {mark[key] for mark in marks if key in mark}


@pytest.fixture(scope="session")
def network(twin: Twin) -> Network:
    return Network(twin)
