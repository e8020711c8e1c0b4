# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: who uses a disk now: mounts, swaps, holders, md arrays, exclusive openers."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .model import Usage
from .probe_identity import Paths, partitions, read_text

SYSTEM_MOUNTS = frozenset({"/", "/boot", "/boot/efi", "/efi", "/usr", "/var", "/etc", "/home"})


@dataclass(frozen=True)
class Mount:
    number: str
    root: str
    path: str
    options: tuple[str, ...]
    source: str


def read_mounts(proc: Path) -> tuple[Mount, ...]:
    """Every mount that we or the first process see; a container's view alone would miss the host's."""
    found: dict[Mount, None] = {}
    for process in ("1", "self"):
        for line in read_text(proc / process / "mountinfo").splitlines():
            before, _dash, after = line.partition(" - ")
            fields, rest = before.split(), after.split()
            options = tuple(sorted({*fields[5].split(","), *(rest[2].split(",") if len(rest) > 2 else ())}))
            found[Mount(fields[2], _plain(fields[3]), _plain(fields[4]), options, _plain(rest[1]))] = None
    return tuple(found)


def _plain(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def usage_of(paths: Paths, name: str, mounts: tuple[Mount, ...], listed: Mapping[str, Any]) -> Usage:
    family = tuple(_family(paths.sys, name))
    at = {mount.path for mount in mounts if _is_on(mount, family, paths)}
    swaps = {device for device in _swaps(paths) if device in {member for member, _number in family}}
    for point in _listed_mounts(listed):
        if point == "[SWAP]":
            swaps.add(name)
        elif point:
            at.add(point)
    return Usage(
        system=bool(at & SYSTEM_MOUNTS),
        mounts=tuple(sorted(at)),
        swaps=tuple(sorted(swaps)),
        holders=tuple(sorted(_holders(paths, name))),
        busy=_is_busy(paths.dev / name.replace("!", "/")),
    )


def _family(sys: Path, name: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """(kernel name, number) of the disk and of everything built on it."""
    entry = sys / "class/block" / name
    if not entry.exists():
        entry = sys / "block" / name
    yield name, read_text(entry / "dev")
    above = sorted(os.listdir(entry / "holders")) if (entry / "holders").is_dir() else []
    children = [child for child in sorted(os.listdir(entry)) if (entry / child / "partition").exists()]
    if depth < 8:  # no real stack is deeper; a loop in a broken tree must end
        for child in (*children, *above):
            yield from _family(sys, child, depth + 1)


def _is_on(mount: Mount, family: tuple[tuple[str, str], ...], paths: Paths) -> bool:
    if any(number and number == mount.number for _name, number in family):
        return True
    # btrfs shows a number of its own, so go by the device it names.
    return mount.source.startswith("/dev/") and _kernel_name(paths, mount.source) in {name for name, _number in family}


def _kernel_name(paths: Paths, device: str) -> str:
    return os.path.basename(os.path.realpath(paths.dev / device[len("/dev/") :]))


def _swaps(paths: Paths) -> Iterator[str]:
    for line in read_text(paths.proc / "swaps").splitlines()[1:]:
        device = _plain(line.split()[0])
        if device.startswith("/dev/"):
            yield _kernel_name(paths, device)


def _listed_mounts(row: Mapping[str, Any]) -> Iterator[str]:
    yield from (point for point in row.get("mountpoints") or () if point)
    for child in row.get("children") or ():
        yield from _listed_mounts(child)


def _holders(paths: Paths, name: str) -> Iterator[str]:
    block = paths.sys / "block" / name
    members = (name, *partitions(paths.sys, name))
    seen = set()
    for member in members:
        entry = block if member == name else block / member
        for holder in sorted(os.listdir(entry / "holders")) if (entry / "holders").is_dir() else ():
            seen.add(holder)
            yield _holder_title(paths.sys, holder)
        if (entry / "bcache").exists() and not any(holder.startswith("bcache") for holder in seen):
            yield "bcache"
    for array, found in _arrays(paths.proc).items():
        if array not in seen and found & set(members):
            yield f"md array {array}"


def _holder_title(sys: Path, holder: str) -> str:
    mapper = sys / "block" / holder / "dm"
    kind, name = read_text(mapper / "uuid"), read_text(mapper / "name")
    for prefix, title in (("LVM-", "LVM volume"), ("mpath-", "multipath map"), ("CRYPT-", "encrypted volume")):
        if kind.startswith(prefix):
            return f"{title} {name}"
    if mapper.exists():
        return f"device-mapper volume {name or holder}"
    return f"md array {holder}" if holder.startswith("md") else f"device {holder}"


def _arrays(proc: Path) -> dict[str, set[str]]:
    """md array -> members, inactive arrays too."""
    found = {}
    for line in read_text(proc / "mdstat").splitlines():
        match = re.match(r"^(md\S+) : (.*)$", line)
        if match:
            found[match.group(1)] = set(re.findall(r"(\S+?)\[\d+\]", match.group(2)))
    return found


def _is_busy(device: Path) -> bool:
    """The kernel's own answer: it knows other mount namespaces, ZFS, btrfs' further devices, half-stopped arrays."""
    try:
        os.close(os.open(device, os.O_RDONLY | os.O_EXCL | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return error.errno == errno.EBUSY
    return False
