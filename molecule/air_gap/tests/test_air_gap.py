# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster was built from a folder, images included, and what lies there is verified like a download."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.airgap import IMAGES

if TYPE_CHECKING:
    from tests.twin import Twin

NODES = {"k3s-master1": "k3s", "k3s1": "k3s-agent"}
VERSION = "v1.32.5+k3s1"
BINARY = f"k3s/{VERSION}/k3s"
PLACE = "/var/lib/rancher/k3s/agent/images"


@pytest.fixture(scope="session")
def folder(twin: Twin) -> Path:
    return twin.state / "offline"


@pytest.fixture(scope="session")
def archive(folder: Path) -> Path:
    (found,) = folder.glob("k3s-airgap-images-*.tar.zst")
    return found


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def process(twin: Twin, machine: str) -> str:
    return twin.on(machine, f"systemctl show --property=MainPID --value {NODES[machine]}")


def forget(twin: Twin, name: str) -> None:
    """Take an artefact out of lock and cache, as if it had never been had."""
    lock = twin.state / "artifacts.lock.json"
    entries = json.loads(lock.read_text())
    del entries[name]
    lock.write_text(json.dumps(entries))
    (twin.state / "cache" / name).unlink(missing_ok=True)


def test_the_mirror_is_shut(twin: Twin) -> None:
    answer = subprocess.run(["docker", "ps", "--format", "{{.Names}}"], capture_output=True, text=True, check=True)
    assert not [name for name in answer.stdout.split() if name == f"{twin.site.name}-mirror"]


@pytest.mark.parametrize("machine", NODES)
def test_images_were_there_when_k3s_started(twin: Twin, archive: Path, machine: str) -> None:
    lock = json.loads((twin.state / "artifacts.lock.json").read_text())
    file = twin.host(machine).file(f"{PLACE}/{archive.name}")
    assert file.sha256sum == digest(archive) == lock[f"k3s/{VERSION}/{archive.name}"]
    assert (file.user, file.mode) == ("root", 0o644)
    listed = [":".join(line.split()[:2]) for line in twin.on(machine, "crictl images").splitlines()[1:]]
    assert listed == sorted(IMAGES)
    assert twin.on(machine, f"systemctl show --property=NRestarts --value {NODES[machine]}") == "0"


def test_nodes_are_ready_with_the_binary_of_the_folder(twin: Twin, folder: Path) -> None:
    ready = twin.kubectl("wait", "nodes", "--all", "--for=condition=Ready", "--timeout=5s")
    assert ready.count("condition met") == len(NODES)
    for machine in NODES:
        assert twin.host(machine).file("/usr/local/bin/k3s").sha256sum == digest(folder / "k3s")


def test_a_second_build_changes_nothing(twin: Twin) -> None:
    run = twin.play()
    assert (run.status, run.changed) == (0, False), run.output[-4000:]


def test_a_damaged_archive_and_a_missing_folder_are_refused(twin: Twin, archive: Path) -> None:
    good, before = archive.read_bytes(), process(twin, "k3s1")
    forget(twin, f"k3s/{VERSION}/{archive.name}")
    damaged = bytearray(good)
    damaged[20] ^= 1
    archive.write_bytes(damaged)
    run = twin.play("site.yml", "--tags", "cluster")
    archive.write_bytes(good)
    assert run.status != 0
    assert "sha256" in run.text, run.output
    assert archive.name in run.text
    assert not run.changed
    nowhere = twin.play("site.yml", "--tags", "cluster", "-e", "homelab_airgap_folder=/nowhere/k3s")
    assert nowhere.status != 0
    assert "file:///nowhere/k3s/" in nowhere.text
    assert "put the release's files there" in nowhere.text
    assert (nowhere.changed, process(twin, "k3s1")) == (False, before)


def test_a_folder_with_another_release_is_refused(twin: Twin, folder: Path) -> None:
    """Its digests match: what gives it away is what the binary calls itself."""
    other, lock, cached = twin.state / "other", twin.state / "artifacts.lock.json", twin.state / "cache" / BINARY
    other.mkdir(exist_ok=True)
    kept, right = lock.read_text(), digest(folder / "k3s")
    (other / "k3s").write_text("#!/bin/sh\necho 'k3s version v1.31.9+k3s1 (12345678)'\n")
    (checksums,) = folder.glob("sha256sum-*.txt")
    (other / checksums.name).write_text(f"{digest(other / 'k3s')}  k3s\n")
    forget(twin, BINARY)
    values = {"homelab_airgap_folder": str(other), "homelab_airgap_images": False}
    run = twin.play("playbooks/cluster.yml", "--limit", "k3s-master1", "-e", json.dumps(values))
    lock.write_text(kept)
    cached.unlink()
    assert run.status != 0
    assert f"k3s-master1 has kept its binary: the one of file://{other} was not put in place" in run.text
    assert f"expected one that calls itself {VERSION}" in run.text
    assert twin.host("k3s-master1").file("/usr/local/bin/k3s").sha256sum == right


def test_a_mirror_in_a_folder_passes_the_checks_and_its_images_are_a_reason_to_restart(
    twin: Twin, folder: Path, archive: Path
) -> None:
    """The same files below file://<folder>/<version>, and nodes that have lost their archive."""
    shutil.copytree(folder, twin.state / "tree" / VERSION, dirs_exist_ok=True)
    before = {machine: process(twin, machine) for machine in NODES}
    for machine in NODES:
        twin.on(machine, f"rm {PLACE}/{archive.name}")
    values = {
        "homelab_airgap_folder": "",
        "homelab_airgap_images": True,
        "homelab_k3s_release_url": f"file://{twin.state}/tree",
    }
    run = twin.play("site.yml", "-e", json.dumps(values))
    assert run.status == 0, run.output[-4000:]
    for machine in NODES:
        assert process(twin, machine) != before[machine]
        assert twin.on(machine, f"sha256sum < {PLACE}/{archive.name}").split()[0] == digest(archive)
