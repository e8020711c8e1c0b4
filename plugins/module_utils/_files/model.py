# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what a set of files should be, and what was found."""

from __future__ import annotations

from dataclasses import dataclass, field


class FilesError(Exception):
    """The set of files cannot be written; one sentence per reason."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True)
class Wanted:
    """One path as it should be; content is None for a directory, and the target for a link."""

    path: str
    kind: str  # file | directory | link
    present: bool = True
    content: str | None = field(default=None, repr=False)
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
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
class Action:
    """One step; kind is make_directory, write, link, set_attributes or remove."""

    kind: str
    wanted: Wanted
    sentence: str

    def as_dict(self) -> dict[str, str]:
        """What the user sees of this step."""
        return {"kind": self.kind, "target": self.wanted.path, "sentence": self.sentence}
