# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doubles of Flux: its release's files, and what its controllers make of an object."""

from __future__ import annotations

import base64
import hashlib
import time
from pathlib import Path
from typing import Any

import pyrage
import pytest
import yaml

from lab import flux_releases
from lab.flux.kustomize import Kustomizations
from lab.flux.objects import REQUESTED, Failure, is_due, seconds
from tests.unit.plugins.modules.gitops_repository import encrypted, thing


def test_a_release_has_the_digest_of_its_file(tmp_path: Path) -> None:
    flux_releases.fill(tmp_path, ["2.6.1"])
    folder = tmp_path / "mirror/fluxcd/flux2/releases/download/v2.6.1"
    digest, name = (folder / "flux_2.6.1_checksums.txt").read_text().split()
    assert (digest, name) == (hashlib.sha256((folder / "install.yaml").read_bytes()).hexdigest(), "install.yaml")
    assert (folder / "install.yaml").read_text().startswith("# A DOUBLE of")


@pytest.mark.parametrize(("version", "image"), [
    ("2.6.1", "helm-controller:v1.3.0"), ("2.7.5", "helm-controller:v1.4.0"), ("2.7.5", "source-controller:v1.7.0"),
])  # fmt: skip
def test_images_are_those_of_the_release(version: str, image: str) -> None:
    images = [
        item["spec"]["template"]["spec"]["containers"][0]["image"]
        for item in yaml.safe_load_all(flux_releases.double(version))
        if item["kind"] == "Deployment"
    ]
    assert f"ghcr.io/fluxcd/{image}" in images


def test_upstreams_own_file_is_taken_where_it_is_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real/v2.6.1").mkdir(parents=True)
    (tmp_path / "real/v2.6.1/install.yaml").write_text("real")
    monkeypatch.setenv("HOMELAB_FLUX", str(tmp_path / "real"))
    flux_releases.fill(tmp_path, ["2.6.1"])
    assert (tmp_path / "mirror/fluxcd/flux2/releases/download/v2.6.1/install.yaml").read_text() == "real"


def item(generation: int = 1, observed: int = 1, ready: str = "True", asked: str = "", handled: str = "") -> Any:
    status = {"observedGeneration": observed, "conditions": [{"type": "Ready", "status": ready}]}
    return {
        "metadata": {"generation": generation, "annotations": {REQUESTED: asked}},
        "spec": {"interval": "1m0s"},
        "status": {**status, "lastHandledReconcileAt": handled},
    }


@pytest.mark.parametrize(("found", "ago", "due"), [
    (item(), 1, False), (item(), 61, True), (item(generation=2), 1, True), (item(asked="now"), 1, True),
    (item(asked="now", handled="now"), 1, False), (item(ready="False"), 1, False), (item(ready="False"), 3, True),
])  # fmt: skip
def test_when_a_controller_looks(found: Any, ago: float, due: bool) -> None:
    assert is_due(found, time.monotonic() - ago) is due


def test_durations() -> None:
    assert (seconds("1h2m3s"), seconds("10m0s")) == (3723, 600)


class Cluster:
    """Has one Secret."""

    def __init__(self, key: pyrage.x25519.Identity) -> None:
        self.key = key

    def find(self, path: str) -> Any:
        data = {"age.agekey": base64.b64encode(str(self.key).encode()).decode()}
        return {"data": data} if "sops-age" in path else None


def test_a_secret_is_decrypted_with_the_key_in_the_cluster_and_with_no_other() -> None:
    key, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    sealed = encrypted(thing("v1", "Secret", "web", "web", stringData={"password": "hunter2"}), key.to_public())
    layer = {"metadata": {"namespace": "flux-system"}, "spec": {"decryption": {"secretRef": {"name": "sops-age"}}}}

    def opened(holder: pyrage.x25519.Identity, layer: dict[str, Any]) -> Any:
        doubles: Any = Kustomizations(Cluster(holder), None, "")  # type: ignore[arg-type]
        return doubles._open(layer, sealed)

    found = opened(key, layer)
    assert (found["stringData"], "sops" in found) == ({"password": "hunter2"}, False)
    with pytest.raises(Failure, match="cannot get sops data key"):
        opened(other, layer)
    with pytest.raises(Failure, match="configuring decryption is required"):
        opened(key, {**layer, "spec": {}})
    with pytest.raises(Failure, match="cannot get decryption Secret"):
        opened(key, {**layer, "spec": {"decryption": {"secretRef": {"name": "none"}}}})
