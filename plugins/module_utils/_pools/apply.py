# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: carry out a plan for pools. Nothing here writes to a device."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from .._action import Action
from .._command import CommandRunner, check_output
from .._disks.write import make_immutable, replace_file
from .model import Found, PoolsError, Wanted
from .plan import fstab_line, options_of


def apply(
    run: CommandRunner, actions: Sequence[Action], wanted: Sequence[Wanted], found: Mapping[str, Found], fstab: Path
) -> list[str]:
    """Walk the actions; return warnings about what could not be done and need not stop the run."""
    pools = {pool.path: pool for pool in wanted}
    warnings = []
    for action in actions:
        pool, here = pools[action.target], found[action.target]
        if action.kind == "directory":
            warnings += _directory(pool.path)
        elif action.kind == "fstab":
            kind = here.mounted.filesystem if here.mounted else here.device_filesystem
            _fstab(run, fstab, fstab_line(pool, kind))
        else:
            _mount(run, pool, here)
    return warnings


def _directory(path: str) -> list[str]:
    os.makedirs(path, mode=0o755, exist_ok=True)
    if os.path.ismount(path) or os.listdir(path):
        raise PoolsError(f"{path} was used meanwhile, expected an empty directory; run again")
    problem = make_immutable(path)
    return [f"{path} could not be made immutable ({problem}), so files may land below the pool"] if problem else []


def _fstab(run: CommandRunner, fstab: Path, line: str) -> None:
    before = fstab.read_text(encoding="utf-8") if fstab.exists() else ""
    gap = "" if not before or before.endswith("\n") else "\n"
    replace_file(fstab, f"{before}{gap}{line}\n")
    if os.path.isdir("/run/systemd/system"):
        # systemd makes its mount units from fstab only when told
        check_output(run, ["systemctl", "daemon-reload"])


def _mount(run: CommandRunner, pool: Wanted, here: Found) -> None:
    options = [option for option in options_of(pool) if option != "nofail" and not option.startswith("x-")]
    if not os.path.ismount(pool.path):  # systemd may have been quicker
        # by the device that was just looked at: libblkid's cache may name another one
        how = ["--types", here.device_filesystem, "--options", ",".join(options)]
        check_output(run, ["mount", *how, here.device, pool.path])
