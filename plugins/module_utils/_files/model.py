# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what a set of files should be, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


class FilesError(Exception):
    """The set of files cannot be written; one sentence per reason."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = list(reasons)


@dataclass(frozen=True)
class Wanted:
    """One path as it should be; content is None for a directory, and the target for a link.

    Mode, owner or group None means: as found, and the default on a new one.
    """

    path: str
    kind: str  # file | directory | link
    present: bool = True
    content: str | None = field(default=None, repr=False)
    mode: int | None = None
    owner: str | None = None
    group: str | None = None
    secret: bool = False


@dataclass(frozen=True)
class Found:
    """One path as it is."""

    kind: str  # absent | file | directory | link | other
    content: str | None = field(default=None, repr=False)
    mode: int = 0
    owner: str = ""
    group: str = ""
    target: str = ""
    mount_point: bool = False


ABSENT = Found("absent")


@dataclass(frozen=True)
class Attributes:
    """Who may do what with a file or directory."""

    mode: int
    owner: str
    group: str

    def __str__(self) -> str:
        return f"{self.mode:04o} {self.owner}:{self.group}"


@dataclass(frozen=True)
class Action:
    """One step; kind is make_directory, write, link, set_attributes or remove."""

    kind: str
    wanted: Wanted
    found: Found
    attributes: Attributes
    sentence: str

    def as_dict(self) -> dict[str, str]:
        """What the user sees of this step."""
        return {"kind": self.kind, "target": self.wanted.path, "sentence": self.sentence}
