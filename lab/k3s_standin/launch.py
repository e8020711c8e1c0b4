# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The zipapp's entry: unpack once below /var/lib/rancher/k3s/data/<hash>, as the real binary does, then run from there.

Running from an unpacked copy, Python keeps the bytecode of what is imported, so that only the first start compiles;
and a process outlives the replacement of the binary it came from.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
import zipfile
from pathlib import Path

DIGEST_FILE = "lab/k3s_standin/DIGEST"


def unpack(archive: Path, data: Path) -> Path:
    """The directory holding this archive's sources; complete once it has its final name."""
    with zipfile.ZipFile(archive) as packed:
        digest = packed.read(DIGEST_FILE).decode().strip()
        target = data / digest
        if target.is_dir():
            return target
        data.mkdir(parents=True, exist_ok=True)
        with open(data / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.is_dir():
                _extract(packed, target)
    return target


def _extract(packed: zipfile.ZipFile, target: Path) -> None:
    temporary = target.with_name(f"{target.name}-tmp")
    # Left by an unpacking that was cut off.
    shutil.rmtree(temporary, ignore_errors=True)
    packed.extractall(temporary)
    temporary.rename(target)
    current = target.with_name("current")
    link = target.with_name(f".current.{os.getpid()}")
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)
    link.replace(current)


def _main() -> None:
    archive = Path(sys.path[0])
    data = Path(os.environ.get("LAB_K3S_ROOT") or "/") / "var/lib/rancher/k3s/data"
    if len(sys.argv) > 1 and sys.argv[1] in ("server", "agent"):
        # Without root's rights it runs from the archive, and the command itself says what it needs.
        with contextlib.suppress(PermissionError):
            sys.path[0] = str(unpack(archive, data))
    from lab.k3s_standin.cli import main

    main(sys.argv)


if __name__ == "__main__":
    _main()
