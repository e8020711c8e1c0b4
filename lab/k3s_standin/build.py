# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the stand-in: `python -m lab.k3s_standin.build --version v1.32.5+k3s1 --output FILE`.

The same sources and version give the same bytes, whatever the machine or the time.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import re
import zipfile
from pathlib import Path

from lab.k3s_standin.launch import DIGEST_FILE

_SHEBANG = b"#!/usr/bin/python3\n"
# The oldest time a zip archive can express.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_VERSION = re.compile(r"^v\d+\.\d+\.\d+\+k3s\d+$")


def sources(version: str) -> dict[str, bytes]:
    """Archive name -> content."""
    package = Path(__file__).parent
    found = {"lab/__init__.py": b""}
    for path in package.rglob("*.py"):
        if path.name != "build.py":
            found[f"lab/k3s_standin/{path.relative_to(package).as_posix()}"] = path.read_bytes()
    found["lab/k3s_standin/VERSION"] = f"{version}\n".encode()
    found["__main__.py"] = (package / "launch.py").read_bytes()
    digest = hashlib.sha256()
    for name, content in sorted(found.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    found[DIGEST_FILE] = f"{digest.hexdigest()}\n".encode()
    return found


def build(version: str) -> bytes:
    """The executable's bytes."""
    buffer = io.BytesIO()
    buffer.write(_SHEBANG)
    # Stored, not deflated: zlib's output differs between versions of zlib.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(sources(version).items()):
            entry = zipfile.ZipInfo(name, _TIMESTAMP)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def main() -> None:
    """Parse arguments and write the file, executable and whole."""
    parser = argparse.ArgumentParser(prog="python -m lab.k3s_standin.build", description="Build the K3s stand-in.")
    parser.add_argument("--version", required=True, help="what it claims to be, for example v1.32.5+k3s1")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    if not _VERSION.match(arguments.version):
        parser.error(f"version {arguments.version!r} is not of the form v1.32.5+k3s1")
    output: Path = arguments.output
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{output.name}.{os.getpid()}")
    temporary.write_bytes(build(arguments.version))
    temporary.chmod(0o755)
    temporary.replace(output)


if __name__ == "__main__":
    main()
