# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which release runs, which image is used, and which secrets are made."""

from __future__ import annotations

import ipaddress
import re
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab import nodeimage, releases, secrets
from lab.command import Answer
from lab.site import Site

VERSION = "v1.32.5+k3s1"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return releases.cache_of(VERSION)


def unreachable(cache: Path, version: str) -> None:
    raise OSError("no route to host")


def test_a_release_in_the_cache_folder_is_used(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "_download", unreachable)
    cache.mkdir(parents=True)
    for name in releases.FILES:
        (cache / name).write_text("x")
    assert releases.choose_release(VERSION).real


def test_without_a_release_the_stand_in_is_announced(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "_download", unreachable)
    choice = releases.choose_release(VERSION)
    assert not choice.real
    assert choice.words == f"K3s: LAB STAND-IN, not the real thing: {VERSION} is neither reachable nor in {cache}"


def test_half_a_release_in_the_cache_is_none(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "_download", unreachable)
    cache.mkdir(parents=True)
    (cache / "k3s").write_text("x")
    assert not releases.choose_release(VERSION).real


def test_the_images_name_follows_its_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tmp_path / "image"
    shutil.copytree(nodeimage.RECIPE, recipe)
    monkeypatch.setattr(nodeimage, "RECIPE", recipe)
    before = nodeimage.tag()
    assert re.fullmatch(r"fletcherlabs-homelab/node:[0-9a-f]{12}", before)
    (recipe / "packages").write_text("other\n")
    assert nodeimage.tag() != before


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
