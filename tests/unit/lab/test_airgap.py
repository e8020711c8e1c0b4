# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of a release has what upstream's has, and its digests hold."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path

import pytest

from lab import airgap
from lab.releases import FILES


@pytest.mark.skipif(platform.machine() not in FILES, reason="upstream has no release for this machine")
def test_every_file_of_the_folder_is_in_its_list_of_digests(tmp_path: Path) -> None:
    binary, checksums = FILES[platform.machine()]
    source = tmp_path / "release"
    source.mkdir()
    (source / binary).write_text("#!/bin/sh\n")
    digest = hashlib.sha256(b"#!/bin/sh\n").hexdigest()
    (source / checksums).write_text(f"{digest}  {binary}\n")
    airgap.fill(source, tmp_path / "folder")
    listed = dict(line.split()[::-1] for line in (tmp_path / "folder" / checksums).read_text().splitlines())
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (tmp_path / "folder").iterdir()
        if path.name != checksums
    }
    assert listed == found
    assert sorted(found) == sorted([binary, airgap.ARCHIVES[binary]])


def test_the_archive_is_always_the_same() -> None:
    assert airgap.archive() == airgap.archive()
