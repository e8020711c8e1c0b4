# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One command at a time on one lab."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.command import ROOT
from lab.errors import LabError
from lab.site import Site


@contextmanager
def only_one(site: Site, remove: bool = False) -> Iterator[None]:
    """Keep two commands from building or removing one lab at once; remove: leave no lock file behind."""
    path = ROOT / ".lab" / f"{site.name}.lock"
    handle = _locked(path, site.name)
    try:
        yield
        if remove:
            path.unlink()
    finally:
        os.close(handle)


def _locked(path: Path, name: str) -> int:
    path.parent.mkdir(exist_ok=True)
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise LabError(f"another command is at work on the lab '{name}'; wait for it to end") from error
        # whoever held the lock before may have removed the file in between; then it locks nobody else out
        if path.exists() and os.fstat(handle).st_ino == path.stat().st_ino:
            # ansible-playbook inherits it: should this process be killed, the lab stays locked until that ends too
            os.set_inheritable(handle, True)
            return handle
        os.close(handle)
