# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the age identities of a key file."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

try:
    import pyrage

    # what a module says where the library is not there
    PYRAGE_PROBLEM = ""
except ImportError:
    pyrage = None
    PYRAGE_PROBLEM = traceback.format_exc()

__all__ = ["PYRAGE_PROBLEM", "identities_of", "pyrage", "unwrapper"]


def identities_of(file: Path) -> list[Any]:
    """The identities in a file as age-keygen writes it, maybe none; raises OSError and pyrage.IdentityError."""
    lines = [line.strip() for line in file.read_text().splitlines() if line.startswith("AGE-SECRET-KEY-")]
    return [pyrage.x25519.Identity.from_str(line) for line in lines]


def unwrapper(identities: Sequence[Any]) -> Callable[[str], bytes | None]:
    """What opens a data key that was encrypted to one of these identities."""

    def unwrap(sealed: str) -> bytes | None:
        try:
            return bytes(pyrage.decrypt(sealed.encode(), identities))
        except pyrage.DecryptError:
            return None

    return unwrap
