# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the errors of the disk modules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


class DisksError(Exception):
    """Base of everything the disk modules raise on purpose."""


@dataclass
class LayoutError(DisksError):
    """The wanted layout is not one that could be right on any machine; carries every mistake."""

    mistakes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return " ".join(self.mistakes)


@dataclass
class ProbeError(DisksError):
    """The machine could not be read well enough to decide anything."""

    message: str

    def __str__(self) -> str:
        return self.message


@dataclass
class ApplyError(DisksError):
    """A step failed, or what it left differs from what was planned."""

    action: str
    target: str
    message: str

    def __str__(self) -> str:
        return f"{self.target}: {self.message}"


def raise_all(mistakes: Iterable[str]) -> None:
    found = list(mistakes)
    if found:
        raise LayoutError(found)
