# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the checkout as a commit would hold them, and a copy of those that make the collection."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Never leaves the checkout: ruff and mypy judge it. Tools for collections judge what a collection ships.
NOT_SHIPPED = (".", "inventory/", "lab/", "molecule/", "tests/acceptance/", "tests/run/", "tests/unit/")


def checkout_files(root: Path) -> list[str]:
    """Tracked and new files, none that git ignores, none that is deleted; relative to the root and sorted."""
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(argv, cwd=root, check=True, capture_output=True, text=True).stdout
    return sorted(name for name in listing.rstrip("\0").split("\0") if (root / name).is_file())


def shipped(files: list[str]) -> list[str]:
    """The files that make the collection."""
    return [name for name in files if not name.startswith(NOT_SHIPPED)]


@contextlib.contextmanager
def collection_copy(root: Path) -> Iterator[Path]:
    """A throw-away copy at a path that ends in ansible_collections/<namespace>/<name>, free of links."""
    with tempfile.TemporaryDirectory(prefix="homelab-copy-") as folder:
        target = Path(folder) / "ansible_collections" / "fletcherlabs" / "homelab"
        for name in shipped(checkout_files(root)):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name)
        yield target
