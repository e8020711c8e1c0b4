# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: remember which content of a file has been taken up by the service that reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from .model import Action, Wanted


def digests(wanted: Sequence[Wanted]) -> dict[str, str]:
    """SHA-256 of each wanted file's content, by path; an absent file has none."""
    files = (item for item in wanted if item.kind == "file" and item.present)
    return {item.path: _digest(item.content or "") for item in files}


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8", "surrogateescape")).hexdigest()


def stamp_content(stamp: Mapping[str, str]) -> str:
    """A stamp as text, in the format of sha256sum."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(stamp.items()))


def read_stamp(path: str | None) -> dict[str, str]:
    """Digest by path from a stamp; empty when there is none yet."""
    if path is None:
        return {}
    try:
        with open(path, encoding="utf-8") as stream:
            pairs = [line.rstrip("\n").split("  ", 1) for line in stream]
    except FileNotFoundError:
        return {}
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}


def still_applied(stamp: Mapping[str, str], actions: Sequence[Action]) -> dict[str, str]:
    """The stamp without the files about to change: what somebody altered by hand may have been taken up meanwhile."""
    changing = {action.wanted.path for action in actions if action.kind == "write"}
    return {path: digest for path, digest in stamp.items() if path not in changing}


def pending(wanted: Sequence[Wanted], stamp: Mapping[str, str], actions: Sequence[Action]) -> list[str]:
    """Paths whose content has not been applied, and paths that are wanted no more."""
    now, applied = digests(wanted), still_applied(stamp, actions)
    removed = {action.wanted.path for action in actions if action.kind == "remove"}
    return sorted(
        {path for path, digest in now.items() if applied.get(path) != digest} | (set(stamp) - set(now)) | removed
    )
