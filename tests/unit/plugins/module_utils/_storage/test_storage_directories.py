# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directories a storage system may fill, and how far."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._storage.directories import (
    Directory,
    overlaps,
    probe,
    problems,
    reserved_bytes,
)

GIB = 2**30
PLACE = "/var/lib/longhorn"


@pytest.mark.parametrize(
    ("reserve", "expected"), [("40%", 200 * GIB), ("10GiB", 10 * GIB), ("1TB", 10**12), ("33%", 165 * GIB)]
)
def test_a_reserve_in_bytes(reserve: str, expected: int) -> None:
    assert reserved_bytes(reserve, 500 * GIB) == expected


def test_a_share_is_whole_mebibytes() -> None:
    assert reserved_bytes("33%", 10**9 + 7) % 2**20 == 0


def test_a_reserve_that_is_no_size() -> None:
    with pytest.raises(ValueError, match="'much' is no size"):
        reserved_bytes("much", GIB)


@pytest.mark.parametrize(
    ("found", "reserve", "expected"),
    [
        (Directory(PLACE, PLACE, "absent", 500 * GIB), "40%", None),
        (Directory(PLACE, PLACE, "directory", 500 * GIB), "125GiB", None),
        (Directory(PLACE, PLACE, "directory", 500 * GIB), "10GiB",
         "/var/lib/longhorn keeps 10 GiB of 500 GiB free for the system, expected 25 % or more, because the kubelet "
         "deletes images and evicts pods on a disk that is nearly full (DiskPressure); raise the tier's reserve"),
        (Directory(PLACE, PLACE, "other", 500 * GIB), "40%",
         "/var/lib/longhorn is no directory, expected one or nothing; move it away"),
        (Directory(PLACE, "/srv/longhorn", "directory", 500 * GIB), "40%",
         "/var/lib/longhorn leads to /srv/longhorn by a symbolic link, expected a real directory; name /srv/longhorn"),
        (Directory("/var/lib/kubelet/x", "/var/lib/kubelet/x", "absent", GIB), "40%",
         "/var/lib/kubelet/x lies in /var/lib/kubelet, which belongs to the kubelet; choose another directory"),
    ],
)  # fmt: skip
def test_what_speaks_against_a_directory(found: Directory, reserve: str, expected: str | None) -> None:
    assert list(problems(found, reserve, 25)) == ([expected] if expected else [])


def test_the_share_that_is_just_enough_is_enough_whatever_the_size() -> None:
    for size in (10**9 + 7, 512 * 10**9, 365 * 10**9 + 1):
        assert list(problems(Directory(PLACE, PLACE, "absent", size), "25%", 25)) == []


def test_directories_inside_each_other() -> None:
    assert list(overlaps(["/srv/a", "/srv/ab", "/srv/a/b"])) == [
        "/srv/a/b lies inside /srv/a, and both are wanted; keep them apart"
    ]


def test_a_directory_is_looked_at_where_it_would_be(tmp_path: Path) -> None:
    found = probe(tmp_path, PLACE)
    disk = os.statvfs(tmp_path)
    assert found == Directory(PLACE, PLACE, "absent", disk.f_blocks * disk.f_frsize)
    (tmp_path / "var/lib").mkdir(parents=True)
    (tmp_path / "srv/longhorn").mkdir(parents=True)
    (tmp_path / "var/lib/longhorn").symlink_to(tmp_path / "srv/longhorn")
    assert probe(tmp_path, PLACE).real == "/srv/longhorn"
    assert probe(tmp_path, f"{PLACE}/below").real == "/srv/longhorn/below"
    (tmp_path / "var/lib/file").touch()
    assert probe(tmp_path, "/var/lib/file").kind == "other"
