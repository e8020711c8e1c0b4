# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what lies on the disks, by their bytes, wipefs and blkid; and how well they are."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .._command import CommandRunner
from .contents import read_contents
from .errors import ProbeError
from .model import Contents, Disk, Signature
from .signatures import WHOLE, Reader

# blkid: 0 found, 2 nothing found, 8 several things found (then wipefs names them)
BLKID_ANSWERS = (0, 2, 8)

# Reading its database of drives takes smartctl four times as long as the question, which does not need it.
SMARTCTL = ("smartctl", "--json", "--health", "--nocheck=standby", "--drivedb=/dev/null")


@contextmanager
def reader(path: str, size: int) -> Iterator[Reader]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def read(offset: int, length: int) -> bytes:
        if offset < 0 or offset >= size:
            return b""
        wanted = min(length, size - offset)
        data = os.pread(descriptor, wanted, offset)
        while len(data) < wanted:
            more = os.pread(descriptor, wanted - len(data), offset + len(data))
            if not more:
                raise OSError(f"it ends at byte {offset + len(data)} of {size}")
            data += more
        return data

    try:
        yield read
    finally:
        os.close(descriptor)


def contents_of(disk: Disk, foreign: Iterable[Signature], samples: int) -> Contents:
    with reader(disk.path, disk.size) as read:
        return read_contents(read, disk.size, foreign, samples)


def marks_by_tools(run: CommandRunner, places: Sequence[tuple[str, str]]) -> dict[str, list[Signature]]:
    """Signatures by device path. `places` are (path, words for it) of disks and partitions that can be opened."""
    found: dict[str, list[Signature]] = {path: [] for path, _place in places}
    if not places:
        return found
    words = dict(places)
    for path, signature in (*_wipefs(run, words), *_blkid(run, words)):
        found[path].append(signature)
    return found


def _wipefs(run: CommandRunner, words: dict[str, str]) -> Iterator[tuple[str, Signature]]:
    argv = ["wipefs", "--json", "--output", "device,type,label,uuid", *words]
    status, stdout, stderr = run(argv)
    if status != 0:
        raise ProbeError(
            f"wipefs ended with status {status} ({stderr.strip()}), so signatures cannot be ruled out; repair "
            "util-linux or that device."
        )
    by_name = {os.path.basename(path): path for path in words}
    for row in json.loads(stdout or "{}").get("signatures", ()):
        path = by_name[os.path.basename(row["device"])]
        yield path, Signature(row["type"], words[path], row.get("label") or "", row.get("uuid") or "")


def _blkid(run: CommandRunner, words: dict[str, str]) -> Iterator[tuple[str, Signature]]:
    status, stdout, stderr = run(["blkid", "--probe", "--output", "export", *words])
    if status not in BLKID_ANSWERS:
        raise ProbeError(
            f"blkid ended with status {status} ({stderr.strip()}), so signatures cannot be ruled out; repair "
            "util-linux or that device."
        )
    for block in stdout.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        path = values.get("DEVNAME", "")
        if path not in words:
            continue
        if "TYPE" in values:
            yield (
                path,
                Signature(values["TYPE"], words[path], _unquote(values.get("LABEL", "")), values.get("UUID", "")),
            )
        if "PTTYPE" in values:
            yield path, Signature(values["PTTYPE"], words[path])


def _unquote(text: str) -> str:
    """blkid's export format puts a backslash before characters that a shell would take."""
    return text.replace("\\", "")


def place_of(disk: Disk, name: str) -> str:
    return WHOLE if name == disk.name else name


def health_of(run: CommandRunner | None, disk: Disk) -> str:
    """What the disk says is wrong with it; empty when it says it is well, or when nothing can ask it."""
    if run is None or disk.unreadable or disk.transport in ("loop", "virtio"):
        return ""
    status, stdout, _stderr = run([*SMARTCTL, disk.path])
    found = _smart(stdout) if status != 127 else None
    if found is None and disk.transport == "nvme":
        status, stdout, _stderr = run(["nvme", "smart-log", "--output-format=json", disk.path])
        found = _nvme_warning(_load(stdout).get("critical_warning")) if status == 0 else None
    return found or ""


def _load(text: str) -> dict[str, Any]:
    try:
        loaded = json.loads(text)
    except ValueError:
        return {}  # an old version without JSON, or a controller that hides its disks: health is then not known
    return loaded if isinstance(loaded, dict) else {}


def _smart(text: str) -> str | None:
    """None: smartctl could not ask this disk."""
    report = _load(text)
    passed = report.get("smart_status", {}).get("passed")
    warning = _nvme_warning(report.get("nvme_smart_health_information_log", {}).get("critical_warning"))
    if passed is None and warning is None:
        return None
    return warning or ("SMART health check failed" if passed is False else "")


def _nvme_warning(bits: object) -> str | None:
    """NVMe base specification, SMART log, critical warning."""
    if not isinstance(bits, int):
        return None
    names = (
        "spare space is low",
        "temperature",
        "reliability is degraded",
        "media is read-only",
        "backup power failed",
    )
    return ", ".join(name for bit, name in enumerate(names) if bits & 1 << bit)
