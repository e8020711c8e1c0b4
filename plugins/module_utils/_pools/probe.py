# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: look at pools without touching what is mounted there, which may hang."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from .._command import CommandRunner, check_output
from .._disks.fstab import parse_fstab
from .._disks.probe import is_immutable
from .model import Found, Mounted, PoolsError, Wanted

COLUMNS = "TARGET,SOURCE,FSTYPE,UUID,OPTIONS"


def probe(run: CommandRunner, wanted: Sequence[Wanted], fstab: Path) -> dict[str, Found]:
    """Every pool's place."""
    mounts = _mounts(check_output(run, ["findmnt", "--json", "--list", "--output", COLUMNS]))
    lines = parse_fstab(fstab.read_text(encoding="utf-8")) if fstab.exists() else ()
    at = {line.mount.rstrip("/"): line.spec for line in lines if line.spec}
    found = {}
    for pool in wanted:
        elsewhere = [place for place, spec in at.items() if pool.uuid and spec.lower() == f"uuid={pool.uuid}".lower()]
        others = [place for place in elsewhere if place != pool.path]
        mounted = mounts.get(pool.path)
        device = "" if mounted or not pool.uuid else _device(run, pool.uuid)
        kind, entries, immutable = ("directory", 0, None) if mounted else _place(pool.path)
        found[pool.path] = Found(
            path=pool.path,
            kind=kind,
            entries=entries,
            immutable=immutable,
            mounted=mounted,
            device=device,
            device_filesystem=_filesystem(run, device) if device else "",
            fstab=at.get(pool.path, ""),
            fstab_elsewhere=others[0] if others else "",
            shared_by_zfs=bool(mounted and mounted.filesystem == "zfs" and _is_shared(run, mounted.source)),
        )
    return found


def _mounts(text: str) -> Mapping[str, Mounted]:
    """What is mounted where; of several mounts at one place the last, which covers the others."""
    return {
        entry["target"]: Mounted(
            entry["source"] or "",
            entry["fstype"],
            entry.get("uuid") or "",
            "ro" in (entry.get("options") or "").split(","),
        )
        for entry in json.loads(text)["filesystems"]
    }


def _place(path: str) -> tuple[str, int, bool | None]:
    if os.path.realpath(path) != path:
        return "other", 0, None
    try:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            return "other", 0, None
    except FileNotFoundError:
        return "absent", 0, None
    except NotADirectoryError:
        return "other", 0, None
    return "directory", len(os.listdir(path)), is_immutable(path)


def _device(run: CommandRunner, uuid: str) -> str:
    """The device with the UUID; read anew, for blkid's cache may name a device of yesterday."""
    status, output, stderr = run(
        ["blkid", "--cache-file", "/dev/null", "--match-token", f"UUID={uuid}", "-o", "device"]
    )
    if status not in (0, 2):
        raise PoolsError(f"blkid could not look for the file system {uuid} ({stderr.strip()}); run again as root")
    devices = output.split()
    if len(devices) > 1:
        raise PoolsError(f"{' and '.join(devices)} both have the UUID {uuid}, expected one; find out which is the copy")
    return devices[0] if devices else ""


def _filesystem(run: CommandRunner, device: str) -> str:
    return check_output(run, ["blkid", "--probe", "--match-tag", "TYPE", "-o", "value", device]).strip()


def _is_shared(run: CommandRunner, dataset: str) -> bool:
    status, output, _stderr = run(["zfs", "get", "-H", "-o", "value", "sharenfs", dataset])
    return status == 0 and output.strip() not in ("", "off", "-")
