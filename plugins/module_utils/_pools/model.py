# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: pools as wanted and as found. No action here, or anywhere, makes a file system."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .._action import Action


@dataclass(frozen=True)
class Wanted:
    """A pool: where it is mounted, and by which UUID where the collection is to mount it."""

    path: str
    uuid: str | None = None
    filesystem: str | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mounted:
    """What is mounted at a pool's place."""

    source: str
    filesystem: str
    uuid: str
    read_only: bool = False


@dataclass(frozen=True)
class Found:
    """A pool's place, and the device that has its UUID."""

    path: str
    kind: str = "directory"  # directory, absent, or other: a file, a symbolic link on the way
    entries: int = 0  # of the directory, while nothing is mounted there
    immutable: bool | None = None
    mounted: Mounted | None = None
    device: str = ""  # the device with the wanted UUID
    device_filesystem: str = ""
    # what the line of fstab for this place mounts there; empty where there is none
    fstab: str = ""
    # another place where fstab mounts the wanted UUID
    fstab_elsewhere: str = ""
    shared_by_zfs: bool = False


@dataclass(frozen=True)
class Plan:
    """Either actions or problems, never both."""

    actions: tuple[Action, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class PoolsError(Exception):
    """A step failed; the message is one sentence."""


def unit_of(path: str) -> str:
    """The name of systemd's mount unit of a path, as systemd-escape(1) has it."""
    text = path.strip("/").replace("/", "\0")
    escaped = re.sub(r"[^A-Za-z0-9:_.\0]", lambda match: "".join(f"\\x{byte:02x}" for byte in match[0].encode()), text)
    escaped = re.sub(r"^\.", "\\\\x2e", escaped)
    return f"{escaped.replace(chr(0), '-') or '-'}.mount"
