# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshot files: the datastore's file followed by its own SHA-256, as etcd writes them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

SECTOR = 512
_DIGEST = 32
_BLOCK = 1 << 20


class SnapshotError(Exception):
    """A snapshot that cannot be made, or is not what it was when it was made."""


def seal(path: Path) -> None:
    """Append the digest, durably."""
    digest = _digest(path, path.stat().st_size)
    with path.open("ab") as stream:
        stream.write(digest)
        stream.flush()
        os.fsync(stream.fileno())


def verify(path: Path) -> None:
    """Compare the content with the digest at its end."""
    if not path.exists():
        raise SnapshotError(f"etcd: snapshot path does not exist: {path}")
    size = path.stat().st_size - _DIGEST
    if size <= 0 or size % SECTOR:
        raise SnapshotError(f"snapshot missing hash but --skip-hash-check=false: {path}")
    with path.open("rb") as stream:
        stream.seek(size)
        expected = stream.read()
    found = _digest(path, size)
    if found != expected:
        raise SnapshotError(f"expected sha256 {list(expected)}, got {list(found)}")


def unseal(source: Path, target: Path) -> None:
    """Copy a verified snapshot without its digest."""
    verify(source)
    left = source.stat().st_size - _DIGEST
    with source.open("rb") as reader, target.open("wb") as writer:
        while left:
            block = reader.read(min(_BLOCK, left))
            writer.write(block)
            left -= len(block)
        writer.flush()
        os.fsync(writer.fileno())
    target.chmod(0o600)


def _digest(path: Path, size: int) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while size:
            block = stream.read(min(_BLOCK, size))
            if not block:
                break
            digest.update(block)
            size -= len(block)
    return digest.digest()
