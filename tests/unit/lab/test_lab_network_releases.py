# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mirror has for the network layer: doubles with digests of their own, or upstream's files with upstream's."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest
import yaml

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.artefacts import CHARTS, definitions
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.data import SERVED as FACTS
from lab.network_releases import HELM, SERVED, chart, fill

GATEWAY_API = Path(os.environ.get("HOMELAB_GATEWAY_API") or "/nonexistent")


@pytest.fixture
def helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("HOMELAB_CILIUM_CHARTS", raising=False)
    monkeypatch.delenv("HOMELAB_GATEWAY_API", raising=False)
    program = tmp_path / "program"
    program.write_bytes(b"helm")
    return program


def test_doubles_are_in_the_mirror_and_their_digests_in_the_lock(tmp_path: Path, helm: Path) -> None:
    (tmp_path / "artifacts.lock.json").write_text(json.dumps({"k3s/x": "0" * 64}))
    fill(tmp_path, ["1.15.6"], helm)
    lock = json.loads((tmp_path / "artifacts.lock.json").read_text())
    assert lock.pop("k3s/x") == "0" * 64
    served = tmp_path / "mirror/charts/cilium-1.15.6.tgz"
    assert lock.pop("cilium/1.15.6/cilium-1.15.6.tgz") == hashlib.sha256(served.read_bytes()).hexdigest()
    wanted = [file for version in SERVED for file in definitions(version, "experimental")]
    assert set(lock) == {file["name"] for file in wanted}
    assert all((tmp_path / "mirror/gateway-api" / file["path"]).is_file() for file in wanted)
    digest, name = (tmp_path / f"mirror/helm/{HELM}.sha256sum").read_text().split()
    assert (name, digest) == (HELM, hashlib.sha256((tmp_path / "mirror/helm" / HELM).read_bytes()).hexdigest())
    with tarfile.open(tmp_path / "mirror/helm" / HELM) as archive:
        assert [(item.name, item.mode) for item in archive] == [("linux-amd64/helm", 0o755)]


def test_the_double_of_the_chart_says_so_and_has_the_version() -> None:
    with tarfile.open(fileobj=io.BytesIO(chart("1.16.19"))) as archive:
        stream = archive.extractfile("cilium/Chart.yaml")
        assert stream is not None
        about = yaml.safe_load(stream.read())
    assert (about["name"], about["version"]) == ("cilium", "1.16.19")
    assert about["description"].startswith("A DOUBLE of Cilium's chart")
    assert chart("1.16.19") == chart("1.16.19")


def test_upstreams_files_are_held_to_upstreams_digests(
    tmp_path: Path, helm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "charts"
    folder.mkdir()
    (folder / "cilium-1.15.6.tgz").write_bytes(b"upstream's")
    monkeypatch.setenv("HOMELAB_CILIUM_CHARTS", str(folder))
    fill(tmp_path, ["1.15.6", "1.16.19"], helm)
    lock = json.loads((tmp_path / "artifacts.lock.json").read_text())
    assert "cilium/1.15.6/cilium-1.15.6.tgz" not in lock
    assert "cilium/1.16.19/cilium-1.16.19.tgz" in lock
    assert (tmp_path / "mirror/charts/cilium-1.15.6.tgz").read_bytes() == b"upstream's"


def test_the_doubles_serve_what_the_facts_say() -> None:
    for version, kinds in SERVED.items():
        facts = FACTS[version.removeprefix("v").rpartition(".")[0], "experimental"]
        for kind, versions in (
            ("grpcroutes", "GRPCRoute"),
            ("tlsroutes", "TLSRoute"),
            ("referencegrants", "ReferenceGrant"),
        ):
            assert sorted(kinds[kind]) == sorted(facts[versions]), (version, kind)


@pytest.mark.parametrize("version", ["v1.1.0", "v1.2.1", "v1.3.0", "v1.4.1", "v1.6.1"])
def test_facts_and_digests_are_those_of_upstreams_definitions(version: str) -> None:
    if not (GATEWAY_API / version).is_dir():
        pytest.skip(f"no {version} in HOMELAB_GATEWAY_API")
    facts = FACTS[version.removeprefix("v").rpartition(".")[0], "experimental"]
    for file in definitions(version, "experimental"):
        content = (GATEWAY_API / file["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"], file["name"]
        spec = yaml.safe_load(content)["spec"]
        served = {entry["name"] for entry in spec["versions"] if entry["served"]}
        if spec["names"]["kind"] in facts:
            assert served == set(facts[spec["names"]["kind"]]), file["name"]


@pytest.mark.parametrize("version", CHARTS)
def test_digests_of_charts_are_those_of_upstream(version: str) -> None:
    place = Path(os.environ.get("HOMELAB_CILIUM_CHARTS") or "/nonexistent") / f"cilium-{version}.tgz"
    if not place.is_file():
        pytest.skip(f"no {place.name} in HOMELAB_CILIUM_CHARTS")
    assert hashlib.sha256(place.read_bytes()).hexdigest() == CHARTS[version]
