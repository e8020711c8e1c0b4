# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: directories of the system disk that a storage system may fill, and how far."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from .._disks.wanted import parse_size
from .._machine.probe import KUBELET

MIB = 2**20


@dataclass(frozen=True)
class Directory:
    """A directory as found, or the place where it is to be made."""

    path: str
    real: str  # the same path with every symbolic link followed
    kind: str  # directory, absent or other
    size: int  # of its file system, in bytes


def probe(root: Path, path: str) -> Directory:
    """Look at one directory of the machine whose file system begins at root."""
    place = root / path.lstrip("/")
    kind = "directory" if place.is_dir() else "other" if os.path.lexists(place) else "absent"
    existing = next(parent for parent in (place, *place.parents) if parent.exists())
    disk = os.statvfs(existing)
    real = Path("/") / place.resolve().relative_to(root.resolve()) if _inside(place, root) else place.resolve()
    return Directory(path, str(real), kind, disk.f_blocks * disk.f_frsize)


def _inside(place: Path, root: Path) -> bool:
    return place.resolve().is_relative_to(root.resolve())


def reserved_bytes(reserve: str, size: int) -> int:
    """Bytes of a reserve such as 40% or 100GiB; whole MiB of a share, so that it does not tremble."""
    if reserve.endswith("%"):
        return size * int(reserve[:-1]) // 100 // MIB * MIB
    return parse_size(reserve)


def problems(found: Directory, reserve: str, least_percent: int) -> Iterator[str]:
    """Why Longhorn may not have the directory as it is, or as it would be filled."""
    if found.kind == "other":
        yield f"{found.path} is no directory, expected one or nothing; move it away"
    if found.real != str(PurePosixPath(found.path)):
        yield f"{found.path} leads to {found.real} by a symbolic link, expected a real directory; name {found.real}"
    if PurePosixPath(found.real).is_relative_to(KUBELET):
        yield f"{found.path} lies in {KUBELET}, which belongs to the kubelet; choose another directory"
    reserved = reserved_bytes(reserve, found.size)
    if reserved * 100 < found.size * least_percent - 100 * MIB:
        yield (
            f"{found.path} keeps {reserved // 2**30} GiB of {found.size // 2**30} GiB free for the system, expected "
            f"{least_percent} % or more, because the kubelet deletes images and evicts pods on a disk that is nearly "
            "full (DiskPressure); raise the tier's reserve"
        )


def overlaps(paths: Sequence[str]) -> Iterator[str]:
    """Directories inside each other: their space would be counted twice."""
    for one in paths:
        for other in paths:
            if one != other and PurePosixPath(one).is_relative_to(other):
                yield f"{one} lies inside {other}, and both are wanted; keep them apart"


def described(found: Directory, reserve: str) -> Mapping[str, Any]:
    """A directory in the module's result."""
    return {"path": found.path, "size": found.size, "reserved": reserved_bytes(reserve, found.size)}
