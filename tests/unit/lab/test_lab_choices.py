# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which release runs, which image is used, and which secrets are made."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab import nodeimage, releases, secrets
from lab.command import Answer
from lab.engine import Engine
from lab.errors import LabError
from lab.site import Site

VERSION = "v1.32.5+k3s1"
BINARY = b"the real thing"


def privileged(argv: Sequence[str], stdin: str) -> Answer:
    assert list(argv[:4]) == ["docker", "run", "--rm", "--privileged"]
    return Answer(0, "", "")


def refuses_privileged(argv: Sequence[str], stdin: str) -> Answer:
    return Answer(125, "", "privileged mode is incompatible with user namespaces")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The release's cache folder, empty, on a machine without a way upstream."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("LAB_K3S", raising=False)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(releases, "_reach", unreachable)
    return releases.cache_of(VERSION)


def unreachable() -> None:
    raise ConnectionError("no route to host")


def fill(cache: Path, content: bytes = BINARY) -> None:
    cache.mkdir(parents=True)
    (cache / "k3s").write_bytes(content)
    (cache / "sha256sum-amd64.txt").write_text(f"{hashlib.sha256(BINARY).hexdigest()}  k3s\n{'0' * 64}  images.txt\n")


def choose(runner: object = privileged) -> releases.Release:
    return releases.choose_release(VERSION, Engine(runner), "image")  # type: ignore[arg-type]


def test_a_release_in_the_cache_folder_is_used(cache: Path) -> None:
    fill(cache)
    assert choose() == releases.Release(f"K3s: the real release {VERSION}, in privileged containers", cache)


def test_without_a_release_the_stand_in_is_announced(cache: Path) -> None:
    choice = choose()
    assert not choice.real
    assert choice.words == (
        f"K3s: LAB STAND-IN, not the real thing: the real release {VERSION} is not reachable and not in {cache}"
    )


def test_half_a_release_in_the_cache_is_none(cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "k3s").write_bytes(BINARY)
    assert not choose().real


def test_a_damaged_release_in_the_cache_is_an_error_that_names_it(cache: Path) -> None:
    fill(cache, BINARY[:-1])
    with pytest.raises(LabError, match=r"/k3s has sha256 [0-9a-f]{64}, but sha256sum-amd64\.txt beside it says"):
        choose()


def test_an_engine_that_refuses_privileged_containers_runs_the_stand_in(cache: Path) -> None:
    fill(cache)
    choice = choose(refuses_privileged)
    assert not choice.real
    assert "refuses the privileged containers" in choice.words


def test_the_stand_in_can_be_asked_for(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(cache)
    monkeypatch.setenv("LAB_K3S", "stand-in")
    assert not choose().real


def test_an_architecture_upstream_does_not_build_for_runs_the_stand_in(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert choose().words.endswith("upstream has no release for riscv64 that the lab knows")


def test_the_images_name_follows_its_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tmp_path / "image"
    shutil.copytree(nodeimage.RECIPE, recipe)
    monkeypatch.setattr(nodeimage, "RECIPE", recipe)
    before = nodeimage.tag()
    assert re.fullmatch(r"fletcherlabs-homelab/node:[0-9a-f]{12}", before)
    for file in ("packages", "customize", "Dockerfile.node", "Dockerfile.base"):
        (recipe / file).write_text("other\n")
        assert nodeimage.tag() != before
        before = nodeimage.tag()


def test_secrets_are_private_different_and_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.site.ROOT", tmp_path)
    site = Site("twin", ipaddress.IPv4Network("198.18.10.0/24"), Path("x"), "josh", VERSION, ())

    def keygen(argv: Sequence[str], stdin: str) -> Answer:
        Path(f"{argv[-1]}.pub").write_text("ssh-ed25519 AAAA\n")
        return Answer(0, "", "")

    assert secrets.have_secrets(site, keygen) == "ssh-ed25519 AAAA"
    first = (site.state / "secrets.yml").read_text()
    assert stat.S_IMODE((site.state / "secrets.yml").stat().st_mode) == 0o600
    tokens = re.findall(r'"([0-9a-f]{64})"', first)
    assert len(set(tokens)) == 2
    secrets.have_secrets(site, keygen)
    assert (site.state / "secrets.yml").read_text() == first
