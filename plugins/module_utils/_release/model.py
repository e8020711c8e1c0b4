# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what is known of a released file, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


class ReleaseError(Exception):
    """The file cannot be had, or must not be trusted; the message is one sentence."""


class LocalError(ReleaseError):
    """The file cannot be kept here; trying the server again would not help."""


@dataclass(frozen=True)
class Known:
    """Digests of one file from the three places that may know it; None where a place does not."""

    name: str
    locked: str | None
    cached: str | None
    released: str | None


@dataclass(frozen=True)
class Action:
    """One step; kind is discard, download or record."""

    kind: str
    sentence: str

    def as_dict(self) -> dict[str, str]:
        """What the user sees of this step."""
        return {"kind": self.kind, "sentence": self.sentence}


def plan(known: Known) -> list[Action]:
    """Discard before download, download before record: a digest is written down only for a file that was verified."""
    expected = expected_digest(known)
    actions = []
    if known.cached is not None and known.cached != expected:
        actions.append(
            Action("discard", f"discard the cached {known.name}: its sha256 is {known.cached}, expected {expected}")
        )
    if known.cached != expected:
        actions.append(Action("download", f"download {known.name}"))
    if known.locked is None:
        actions.append(Action("record", f"record the sha256 of {known.name} in the lock file: {expected}"))
    return actions


def expected_digest(known: Known) -> str:
    """The digest to hold the file to: the lock's, else the release's own; raise ReleaseError when nobody knows one."""
    digest = known.locked or known.released
    if digest is None:
        raise ReleaseError(
            f"nobody can verify {known.name}: it is not in the lock file and its release names no digest for it"
        )
    return digest
