# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: remember which content of a file has been taken up by the service that reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from .model import Wanted


def digests(wanted: Sequence[Wanted]) -> dict[str, str]:
    """SHA-256 of each wanted file's content, by path; an absent file has none."""
    files = (item for item in wanted if item.kind == "file" and item.present)
    return {item.path: hashlib.sha256((item.content or "").encode("utf-8", "surrogateescape")).hexdigest() for item in files}


def stamp_content(wanted: Sequence[Wanted]) -> str:
    """The stamp for a set of files, in the format of sha256sum."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(digests(wanted).items()))


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


def pending(wanted: Sequence[Wanted], stamp: Mapping[str, str]) -> list[str]:
    """Paths whose content has not been applied, and paths once applied that are wanted no more."""
    now = digests(wanted)
    return sorted({path for path, digest in now.items() if stamp.get(path) != digest} | (set(stamp) - set(now)))
