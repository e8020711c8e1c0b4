# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the lock file (digests by artefact name) and a release's own checksum file."""

from __future__ import annotations

import json
import os
import re
import tempfile

from .model import ReleaseError

_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_lock(path: str) -> dict[str, str]:
    """Digest by artefact name; empty when there is no lock yet; raise ReleaseError for a file that is no lock."""
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ReleaseError(f"the lock {path} is not JSON ({error}); restore it from version control") from error
    if not isinstance(found, dict):
        raise ReleaseError(f"the lock {path} holds a {type(found).__name__}, expected names with digests; restore it")
    wrong = sorted(str(name) for name, digest in found.items() if not _SHA256.fullmatch(str(digest)))
    if wrong:
        raise ReleaseError(f"the lock {path} has no sha256 for {', '.join(wrong)}; correct or remove these lines")
    return dict(found)


def write_lock(path: str, entries: dict[str, str]) -> None:
    """Write the lock, sorted, whole or not at all."""
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".lock-", dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(entries, stream, indent=2, sort_keys=True)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    os.chmod(temporary, 0o644)
    os.rename(temporary, path)


def digest_in(checksums: str, file_name: str, url: str) -> str:
    """The digest of a file in a checksum file (lines of "digest  name"); raise ReleaseError when it is not there."""
    for line in checksums.splitlines():
        digest, _space, name = line.strip().partition(" ")
        if name.strip().lstrip("*") == file_name and _SHA256.fullmatch(digest):
            return digest
    raise ReleaseError(f"{url} names no sha256 for '{file_name}'; is it the checksum file of this release?")
