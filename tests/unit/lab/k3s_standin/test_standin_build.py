# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lab.k3s_standin import build, launch

VERSION = "v1.32.5+k3s1"


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("binary") / "k3s"
    path.write_bytes(build.build(VERSION))
    path.chmod(0o755)
    return path


def test_the_same_sources_give_the_same_bytes(binary: Path) -> None:
    assert build.build(VERSION) == binary.read_bytes()
    assert build.build("v1.32.6+k3s1") != binary.read_bytes()


def test_it_says_that_it_is_a_stand_in(binary: Path) -> None:
    output = subprocess.run([sys.executable, binary, "--version"], capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[0] == f"k3s version {VERSION} (lab stand-in)"


def test_a_wrong_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["build", "--version", "1.32", "--output", str(tmp_path / "k3s")])
    with pytest.raises(SystemExit):
        build.main()
    assert not (tmp_path / "k3s").exists()


def test_unpacking_that_was_cut_off_is_repeated(binary: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(binary) as archive:
        digest = archive.read(launch.DIGEST_FILE).decode().strip()
    half = tmp_path / f"{digest}-tmp/lab/half-written.py"
    half.parent.mkdir(parents=True)
    half.write_text("broken(")
    target = launch.unpack(binary, tmp_path)
    assert target == tmp_path / digest
    assert (target / "lab/k3s_standin/server.py").exists() and not (target / "lab/half-written.py").exists()
    assert (tmp_path / "current").resolve() == target


def test_a_second_start_uses_what_is_unpacked(binary: Path, tmp_path: Path) -> None:
    target = launch.unpack(binary, tmp_path)
    before = target.stat().st_mtime_ns
    assert launch.unpack(binary, tmp_path) == target
    assert target.stat().st_mtime_ns == before
