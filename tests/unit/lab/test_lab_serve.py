# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in the mirror, and when its container is started anew."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lab import serve
from lab.command import Answer, run
from lab.engine import Engine
from lab.releases import Release
from lab.site import Site

VERSION = "v1.32.5+k3s1"
SITE = Site("twin", ipaddress.IPv4Network("198.18.10.0/24"), Path("inventory/lab"), "josh", VERSION, ())
STANDIN = Release("the stand-in")


class Docker:
    """An engine that remembers how the mirror was started."""

    def __init__(self) -> None:
        self.mirror: dict[str, Any] | None = None
        self.starts = 0

    def __call__(self, argv: Sequence[str], stdin: str) -> Answer:
        if argv[1] == "container":
            return Answer(0, json.dumps([self.mirror]), "") if self.mirror else Answer(1, "", "")
        if argv[1] == "rm":
            self.mirror = None
        if argv[1] == "run":
            self.starts += 1
            labels = [argv[place + 1].split("=", 1) for place, word in enumerate(argv) if word == "--label"]
            self.mirror = {"Config": {"Labels": dict(labels)}, "State": {"Running": True}}
        return Answer(0, "", "")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("lab.site.ROOT", tmp_path)
    monkeypatch.setattr(serve, "_await_answer", lambda url: None)
    return SITE.state / "mirror" / "k3s-io" / "k3s" / "releases" / "download" / VERSION


def have(docker: Docker, release: Release = STANDIN, image: str = "image:1") -> None:
    serve.have_mirror(Engine(docker), SITE, image, release, run)


def test_the_stand_in_lies_under_upstreams_names_with_digests_that_hold(folder: Path) -> None:
    have(Docker())
    assert sorted(item.name for item in folder.iterdir()) == [
        "k3s", "k3s-arm64", "sha256sum-amd64.txt", "sha256sum-arm64.txt",
    ]  # fmt: skip
    for binary, checksums in (("k3s", "sha256sum-amd64.txt"), ("k3s-arm64", "sha256sum-arm64.txt")):
        digest = hashlib.sha256((folder / binary).read_bytes()).hexdigest()
        assert (folder / checksums).read_text() == f"{digest}  {binary}\n"
    (folder / "k3s").chmod(0o755)
    assert "lab stand-in" in subprocess.run([folder / "k3s", "--version"], capture_output=True, text=True).stdout


def test_the_same_stand_in_is_not_written_again_and_keeps_lock_and_cache(folder: Path) -> None:
    have(Docker())
    lock = SITE.state / "artifacts.lock.json"
    lock.touch()
    before = (folder / "k3s").stat()
    have(Docker())
    after = (folder / "k3s").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert lock.exists()


def test_another_release_forgets_the_labs_lock_and_cache(folder: Path, tmp_path: Path) -> None:
    have(Docker())
    lock, cache = SITE.state / "artifacts.lock.json", SITE.state / "cache"
    lock.touch()
    cache.mkdir()
    real = tmp_path / "real"
    real.mkdir()
    (real / "k3s").write_bytes(b"real")
    (real / "sha256sum-amd64.txt").write_text("0  k3s\n")
    have(Docker(), Release("real", real))
    assert not lock.exists()
    assert not cache.exists()
    assert sorted(item.name for item in folder.iterdir()) == ["k3s", "sha256sum-amd64.txt"]
    assert (folder / "k3s").read_bytes() == b"real"


def test_the_mirror_runs_on_until_what_it_was_started_from_changes(folder: Path) -> None:
    docker = Docker()
    have(docker)
    have(docker)
    assert docker.starts == 1
    have(docker, image="image:2")
    assert docker.starts == 2
    tree = SITE.state / "mirror"
    tree.rename(tree.with_name("moved"))
    have(docker, image="image:2")
    assert docker.starts == 3


def test_a_mirror_that_ended_is_started_again(folder: Path) -> None:
    docker = Docker()
    have(docker)
    assert docker.mirror is not None
    docker.mirror["State"]["Running"] = False
    have(docker)
    assert docker.starts == 2
