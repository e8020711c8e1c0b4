# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: exports as wanted and as found."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from .._action import Action

# A name space of our own: a path has one identity, whatever else is exported and wherever the server was installed.
SPACE = uuid.UUID("7c2c1b3e-58f1-5d35-9a4e-0f2b6f7c9d10")


@dataclass(frozen=True)
class Wanted:
    """A directory of a pool, and as whom its clients act."""

    path: str
    pool: str
    uid: int = 1000
    gid: int = 1000
    mode: int = 0o755
    squash: str = "all"
    nested: bool = False

    @property
    def fsid(self) -> str:
        """What file handles name the export by; it outlives a new installation of the server."""
        return str(uuid.uuid5(SPACE, self.path))

    @property
    def options(self) -> tuple[str, ...]:
        """As in exports(5). A pool that is not mounted is not exported, whatever lies below its mount point."""
        who = {"all": "all_squash", "root": "root_squash", "none": "no_root_squash"}[self.squash]
        anonymous = () if self.squash == "none" else (f"anonuid={self.uid}", f"anongid={self.gid}")
        nested = ("crossmnt",) if self.nested else ()
        return (
            "rw", "sync", "no_subtree_check", f"mountpoint={self.pool}", f"fsid={self.fsid}", who, *anonymous, *nested
        )  # fmt: skip


@dataclass(frozen=True)
class Directory:
    """An export's directory as found."""

    kind: str  # directory, absent, or other: a file, a symbolic link on the way
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Snapshot:
    """What the machine says."""

    mounted: frozenset[str]  # mount points of all pools that are mounted
    directories: dict[str, Directory]
    content: str | None  # of our file of exports
    others: dict[str, str]  # path -> the file of somebody else that exports it
    running: bool = False
    table: frozenset[tuple[str, str, frozenset[str]]] = frozenset()  # path, client and options in force


@dataclass(frozen=True)
class Plan:
    """Either actions or problems, never both."""

    actions: tuple[Action, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class ExportsError(Exception):
    """A step failed; the message is one sentence."""
