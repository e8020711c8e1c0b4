# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files, written so that a kill at any moment leaves either the old or the new one."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    """Replace a file atomically and durably; parents are created."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.fchmod(descriptor, mode)
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(temporary, path)


def write_if_changed(path: Path, content: str, mode: int = 0o600) -> bool:
    """Write only when the content or the mode differs; says whether it did."""
    try:
        if path.read_text() == content and path.stat().st_mode & 0o7777 == mode:
            return False
    except (OSError, UnicodeDecodeError):
        pass
    write(path, content, mode)
    return True


def link(path: Path, target: str) -> None:
    """Point a symbolic link at target, replacing what was there."""
    if path.is_symlink() and os.readlink(path) == target:
        return
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    os.replace(temporary, path)
