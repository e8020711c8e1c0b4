# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: archives of a backup: members with their digests, and nothing that leads outside."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

from .manifest import MANIFEST, BackupError, Manifest, manifest_from

_BLOCK = 1 << 20


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return _digest(stream)


def _digest(stream: IO[bytes]) -> str:
    found = hashlib.sha256()
    for block in iter(lambda: stream.read(_BLOCK), b""):
        found.update(block)
    return found.hexdigest()


def write(stream: IO[Any], manifest: Manifest, sources: Mapping[str, Path]) -> None:
    """Write the manifest and the files it lists, in one pass, to a pipe or a file."""
    with tarfile.open(fileobj=stream, mode="w|") as archive:
        text = manifest.text().encode()
        header = tarfile.TarInfo(MANIFEST)
        header.size = len(text)
        archive.addfile(header, io.BytesIO(text))
        for name, path in sorted(sources.items()):
            with path.open("rb") as content:
                header = tarfile.TarInfo(name)
                header.size, header.mode = os.fstat(content.fileno()).st_size, 0o600
                archive.addfile(header, content)


def read_manifest(path: Path) -> Manifest:
    """The manifest alone; it is the first member."""
    try:
        with tarfile.open(path, "r:") as archive:
            first = archive.next()
            content = archive.extractfile(first) if first and first.name == MANIFEST else None
            if content is None:
                raise BackupError(f"{path.name} is no backup of this collection: its first member is no {MANIFEST}")
            return manifest_from(content.read().decode())
    except (tarfile.TarError, EOFError, UnicodeDecodeError) as error:
        raise BackupError(f"{path.name} cannot be read ({error}); take another backup") from error


def verify(path: Path) -> Manifest:
    """Compare every member with its digest, without unpacking; raise BackupError when one differs."""
    manifest = read_manifest(path)
    found = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for entry in archive:
                content = archive.extractfile(entry)
                if entry.name != MANIFEST and content is not None:
                    found[entry.name] = _digest(content)
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{path.name} cannot be read ({error}); take another backup") from error
    _refuse(path, [name for name, expected in manifest.files.items() if found.get(name) != expected])
    return manifest


def _refuse(path: Path, wrong: Sequence[str]) -> None:
    if wrong:
        raise BackupError(f"{', '.join(sorted(wrong))} in {path.name} differs from its manifest; take another backup")


def member(path: Path, name: str) -> bytes:
    """One small member."""
    with tarfile.open(path, "r:") as archive:
        content = archive.extractfile(name)
        return content.read() if content else b""


def unpack(path: Path, target: Path) -> Manifest:
    """Unpack regular files below target and compare each with its digest; raise BackupError before anything is used."""
    manifest = read_manifest(path)
    with tarfile.open(path, "r:") as archive:
        for entry in archive:
            if entry.name == MANIFEST:
                continue
            pure = PurePosixPath(entry.name)
            if not entry.isreg() or pure.is_absolute() or ".." in pure.parts or entry.name not in manifest.files:
                raise BackupError(f"{path.name} holds {entry.name}, which its manifest does not list; take another one")
            place = target / pure
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            content = archive.extractfile(entry)
            with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
                if content:
                    shutil.copyfileobj(content, stream, _BLOCK)
    _refuse(path, [name for name, expected in manifest.files.items() if not _same(target / name, expected)])
    return manifest


def _same(path: Path, expected: str) -> bool:
    return path.is_file() and digest(path) == expected


def verify_snapshot(path: Path) -> None:
    """An etcd snapshot ends in the SHA-256 of everything before; raise BackupError when it does not."""
    size = path.stat().st_size - 32
    found = hashlib.sha256()
    with path.open("rb") as stream:
        left = max(size, 0)
        while left:
            block = stream.read(min(_BLOCK, left))
            if not block:
                break
            found.update(block)
            left -= len(block)
        if size <= 0 or stream.read() != found.digest():
            raise BackupError(
                f"the snapshot {path.name} is damaged: it differs from the digest at its end; take another one"
            )
