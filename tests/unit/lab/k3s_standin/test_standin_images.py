# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of images: written by the lab, read by the stand-in, and by zstd where there is one."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from lab import airgap
from lab.k3s_standin import images, zstandard
from lab.k3s_standin.paths import Paths


@pytest.mark.parametrize("size", [0, 1, 1 << 17, (1 << 17) + 1, 300000])
def test_a_stored_frame_is_read_back(size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    assert zstandard.read(zstandard.stored(content)) == content


@pytest.mark.skipif(shutil.which("zstd") is None, reason="this machine has no zstd")
def test_zstd_reads_a_stored_frame() -> None:
    content = bytes(range(256)) * 1000
    answer = subprocess.run(["zstd", "-dc"], input=zstandard.stored(content), capture_output=True, check=True)
    assert answer.stdout == content


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (b"nonsense", "no zstd file"),
        (zstandard.stored(b"abc")[:-1], "ends too early"),
        (zstandard.stored(b"abc")[:9] + b"\x1d\x00\x00abc", "only archives of the lab"),
    ],
)
def test_other_frames_are_refused(frame: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        zstandard.read(frame)


def test_archives_are_imported_at_start_and_a_damaged_one_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = Paths(tmp_path)
    folder = paths.agent / "images"
    folder.mkdir(parents=True)
    assert images.imported(paths) == []
    (folder / "k3s-airgap-images-amd64.tar.zst").write_bytes(airgap.archive())
    (folder / "notes.txt").write_text("no archive\n")
    (folder / "broken.tar").write_text("nonsense")
    with tarfile.open(folder / "empty.tar.gz", "w:gz") as packed:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = 2
        packed.addfile(entry, io.BytesIO(b"[]"))
    images.bring_in(paths)
    assert images.imported(paths) == sorted(airgap.IMAGES)
    assert images.rows(paths)[1].split()[:2] == ["docker.io/rancher/mirrored-pause", "3.6"]
    assert "Unable to process image file" in capsys.readouterr().err
