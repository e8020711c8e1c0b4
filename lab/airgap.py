# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lab.airgap --from DIR --to FOLDER`: a release's files in one folder, for a site without Internet.

The real archive of images is not in the lab. For the stand-in this one takes its place: names of images, no layers.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import platform
import shutil
import tarfile
from pathlib import Path

from lab.k3s_standin import zstandard
from lab.releases import FILES

IMAGES = ("docker.io/rancher/mirrored-pause:3.6", "docker.io/rancher/mirrored-coredns-coredns:1.12.1")
ARCHIVES = {"k3s": "k3s-airgap-images-amd64.tar.zst", "k3s-arm64": "k3s-airgap-images-arm64.tar.zst"}


def archive() -> bytes:
    """The stand-in's archive of images; always the same bytes."""
    manifest = json.dumps([{"Config": "", "RepoTags": [name], "Layers": []} for name in IMAGES]).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as packed:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        packed.addfile(entry, io.BytesIO(manifest))
    return zstandard.stored(buffer.getvalue())


def fill(source: Path, target: Path) -> None:
    """Copy binary and digests, add the archive and its digest."""
    binary, checksums = FILES[platform.machine()]
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source / binary, target / binary)
    content = archive()
    (target / ARCHIVES[binary]).write_bytes(content)
    line = f"{hashlib.sha256(content).hexdigest()}  {ARCHIVES[binary]}\n"
    (target / checksums).write_text((source / checksums).read_text() + line)


def main() -> None:
    """Parse arguments and fill the folder."""
    parser = argparse.ArgumentParser(prog="python -m lab.airgap", description=__doc__)
    parser.add_argument("--from", dest="source", required=True, type=Path, help="a release of the mirror")
    parser.add_argument("--to", dest="target", required=True, type=Path)
    wish = parser.parse_args()
    fill(wish.source, wish.target)


if __name__ == "__main__":
    main()
