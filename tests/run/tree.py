# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the checkout as a commit would hold them."""

from __future__ import annotations

import subprocess
from pathlib import Path


def checkout_files(root: Path) -> list[str]:
    """Tracked and new files, none that git ignores, none that is deleted; relative to the root and sorted."""
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(argv, cwd=root, check=True, capture_output=True, text=True).stdout
    return sorted(name for name in listing.rstrip("\0").split("\0") if (root / name).is_file())
