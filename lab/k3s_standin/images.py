# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images: names from the archives in agent/images, imported at start as upstream does; nothing is unpacked."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from lab.k3s_standin import files, log, zstandard
from lab.k3s_standin.paths import Paths

_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.zst")


def bring_in(paths: Paths) -> None:
    """Import every archive; one that cannot be read is named and left alone, as upstream does."""
    names: list[str] = []
    for archive in sorted((paths.agent / "images").glob("*")):
        if not archive.name.endswith(_SUFFIXES):
            continue
        try:
            found = names_in(archive)
        except (OSError, ValueError, LookupError, tarfile.TarError) as error:
            log.error(f"Unable to process image file {archive}: {error}")
            continue
        names += found
        log.info(f"Imported {len(found)} images from {archive}")
    files.write_if_changed(_store(paths), json.dumps(sorted(set(names))))


def imported(paths: Paths) -> list[str]:
    """Names of the images there are."""
    try:
        names: list[str] = json.loads(_store(paths).read_text())
    except FileNotFoundError:
        return []
    return names


def names_in(archive: Path) -> list[str]:
    """Names in the manifest of an archive as `docker save` writes it."""
    content = archive.read_bytes()
    if archive.name.endswith(".zst"):
        content = zstandard.read(content)
    with tarfile.open(fileobj=io.BytesIO(content)) as packed:
        member = packed.extractfile("manifest.json")
        if member is None:
            raise ValueError("its manifest.json is no file")
        return [tag for image in json.load(member) for tag in image["RepoTags"]]


def rows(paths: Paths) -> list[str]:
    """What `crictl images` prints below its header."""
    return [f"{name.rpartition(':')[0]}  {name.rpartition(':')[2]}  imported  0B" for name in imported(paths)]


def _store(paths: Paths) -> Path:
    return paths.agent / "containerd/images.json"
