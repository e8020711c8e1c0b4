# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: read a machine's disks into one snapshot. Reads only."""

from __future__ import annotations

import array
import fcntl
import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .._command import CommandRunner, check_output
from .contents import SAMPLES
from .errors import ProbeError
from .fstab import parse_fstab
from .model import Contents, Disk, MountPoint, Signature, Snapshot
from .probe_contents import contents_of, health_of, marks_by_tools, place_of
from .probe_identity import Paths, identify, whole_disks
from .probe_usage import Mount, read_mounts, usage_of

COLUMNS = "NAME,SERIAL,WWN,TRAN,VENDOR,MODEL,MOUNTPOINTS"
FS_IOC_GETFLAGS = 0x80086601  # linux/fs.h, 64-bit
FS_IMMUTABLE_FL = 0x10


def probe(
    run: CommandRunner,
    paths: Paths,
    mount_points: Iterable[str] = (),
    health: bool = True,
    samples: int = SAMPLES,
) -> Snapshot:
    """Everything the planner needs, with three commands for all disks and one per disk for its health."""
    names = tuple(whole_disks(paths.sys))
    mounts = read_mounts(paths.proc)
    disks = _probe_disks(run, paths, names, mounts, health, samples)
    numbers = {disk.number for disk in disks}
    return Snapshot(
        disks=disks,
        mount_points=tuple(_mount_point(path, mounts, numbers) for path in mount_points),
        fstab=parse_fstab(paths.fstab.read_text(encoding="utf-8")) if paths.fstab.exists() else (),
    )


def probe_one(run: CommandRunner, paths: Paths, name: str) -> Disk:
    """The same judgement of one disk, right before or after it is written."""
    return _probe_disks(run, paths, (name,), read_mounts(paths.proc), health=False, samples=SAMPLES)[0]


def _probe_disks(
    run: CommandRunner,
    paths: Paths,
    names: tuple[str, ...],
    mounts: tuple[Mount, ...],
    health: bool,
    samples: int,
) -> tuple[Disk, ...]:
    listed = _lsblk(run)
    found = [identify(paths, name, listed.get(name, {})) for name in names]
    found = [replace(disk, usage=usage_of(paths, disk.name, mounts, listed.get(disk.name, {}))) for disk in found]
    found = [replace(disk, unreadable=_why_unreadable(disk)) for disk in found]
    marks = marks_by_tools(run, [place for disk in found for place in _places(paths, disk)])
    found = [_with_contents(paths, disk, marks, samples) for disk in found]
    return tuple(replace(disk, failing=health_of(run if health else None, disk)) for disk in found)


def _with_contents(paths: Paths, disk: Disk, marks: Mapping[str, list[Signature]], samples: int) -> Disk:
    if disk.unreadable:
        return disk
    foreign = [mark for path, _words in _places(paths, disk) for mark in marks[path]]
    usage = disk.usage
    in_use = bool(usage.mounts or usage.swaps or usage.holders or usage.busy)
    try:
        return replace(disk, contents=contents_of(disk, foreign, samples=0 if in_use else samples))
    except OSError as error:
        return replace(disk, contents=Contents(signatures=tuple(foreign)), unreadable=str(error))


def _lsblk(run: CommandRunner) -> dict[str, dict[str, Any]]:
    text = check_output(run, ["lsblk", "--json", "--bytes", "--output", COLUMNS])
    try:
        return {row["name"]: row for row in json.loads(text)["blockdevices"]}
    except (ValueError, KeyError) as error:
        raise ProbeError(
            f"lsblk --json printed something else than its device list ({error}); repair util-linux."
        ) from error


def _why_unreadable(disk: Disk) -> str:
    try:
        mode = os.stat(disk.path).st_mode
        os.close(os.open(disk.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return f"{disk.path}: {error.strerror}"
    return "" if stat.S_ISBLK(mode) or stat.S_ISREG(mode) else f"{disk.path} is no block device"


def _places(paths: Paths, disk: Disk) -> list[tuple[str, str]]:
    """(device path, words for it) of the disk and of those of its partitions that have a node."""
    if disk.unreadable:
        return []
    parts = [(str(paths.dev / name), name) for name in disk.partitions]
    return [(disk.path, place_of(disk, disk.name)), *(part for part in parts if os.path.exists(part[0]))]


def _mount_point(path: str, mounts: tuple[Mount, ...], numbers: set[str]) -> MountPoint:
    over = [mount for mount in mounts if mount.path == path]
    if over:
        last = over[-1]
        if last.number not in numbers:
            # Not one of our disks: it may be a dead NFS server, so do not touch it.
            return MountPoint(path, kind="directory", mounted=last.number)
        found = os.stat(path)
        mode = stat.S_IMODE(found.st_mode)
        return MountPoint(path, "directory", 0, None, last.number, last.options, found.st_uid, found.st_gid, mode)
    if os.path.realpath(path) != path:
        return MountPoint(path, kind="other")
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        return MountPoint(path)
    except NotADirectoryError:
        return MountPoint(path, kind="other")
    if not stat.S_ISDIR(kind):
        return MountPoint(path, kind="other")
    return MountPoint(path, "directory", len(os.listdir(path)), is_immutable(path))


def is_immutable(path: str) -> bool | None:
    """None where the file system has no such mark (overlay, tmpfs)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flags = array.array("L", [0])
        fcntl.ioctl(descriptor, FS_IOC_GETFLAGS, flags)
        return bool(flags[0] & FS_IMMUTABLE_FL)
    except OSError:
        return None
    finally:
        os.close(descriptor)
