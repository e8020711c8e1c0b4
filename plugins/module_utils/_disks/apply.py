# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: carry out a plan. Each handler looks again before it writes and after."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .._command import CommandRunner
from . import judge, write
from .contents import claim_offset
from .errors import ApplyError
from .fstab import line_for, merge_line, mount_options, parse_fstab, render_fstab
from .model import Action, Claim, Disk, Volume
from .plan import VISIBLE_FLAGS
from .probe import probe_one
from .probe_identity import Paths
from .probe_usage import Mount, read_mounts


@dataclass
class Machine:
    """Where and by what the handlers act; `warnings` collects what could not be done and need not stop the run."""

    run: CommandRunner
    paths: Paths
    warnings: list[str] = field(default_factory=list)


def apply(machine: Machine, actions: Sequence[Action], before: Callable[[Action], None] = lambda action: None) -> None:
    """Walk the actions in order. `before` is called at each boundary, for logs and for tests that end there."""
    for action in actions:
        before(action)
        try:
            HANDLERS[action.kind](machine, action)
        except OSError as error:
            raise ApplyError(
                action.kind, action.target, f"{action.kind} of {action.disk.title} failed: {error}"
            ) from error


def _erase(machine: Machine, action: Action) -> None:
    disk = _fresh(machine, action)
    with write.exclusive(disk.path) as device:
        *places, start = write.areas_to_erase(machine.paths.sys, disk)
        write.zero(device, places)
        write.zero(device, [start])
        if disk.partitions:
            write.forget_partitions(device)
    _settle(machine)
    _expect(action, judge.state(_fresh(machine, action)) == judge.BLANK, "it is still not blank after erasing")


def _claim(machine: Machine, action: Action) -> None:
    disk = _fresh(machine, action)
    _expect(action, judge.state(disk) == judge.BLANK, _changed(disk))
    with write.exclusive(disk.path) as device:
        # Once more with the disk in our hands: nobody can have begun to use it in between.
        _expect(action, write.is_blank(device, disk.size), _changed(disk))
        write.put_claim(device, disk.size, _claim_of(action.volume))
    _expect(action, _fresh(machine, action).contents.claim == _claim_of(action.volume), "the mark did not read back")


def _format(machine: Machine, action: Action) -> None:
    disk, volume = _fresh(machine, action), action.volume
    ours = judge.state(disk) == judge.UNFINISHED and disk.contents.claim == _claim_of(volume)
    _expect(action, ours, _changed(disk))
    with write.exclusive(disk.path) as device:
        # What an interrupted run left; mkfs itself is never told to overwrite anything.
        write.zero(device, [(0, write.HEAD)])
    _command(machine, action, make_filesystem(volume, disk))
    _settle(machine)
    after = _fresh(machine, action).contents
    found = after.filesystem and (after.filesystem.kind, after.filesystem.label, after.filesystem.uuid)
    wanted = (volume.tier.filesystem, volume.label, volume.uuid)
    _expect(action, found == wanted, f"its file system reads back as {found}, and {wanted} was made")


def make_filesystem(volume: Volume, disk: Disk) -> list[str]:
    """The mkfs command: no force flag, no discard (it cannot be undone, and would take the claim with it)."""
    size = claim_offset(disk.size)
    if volume.tier.filesystem == "xfs":
        return [
            "mkfs.xfs",
            "-q",
            "-K",
            "-L",
            volume.label,
            "-m",
            f"uuid={volume.uuid}",
            "-d",
            f"size={size}",
            disk.path,
        ]
    # 4 KiB blocks also on small disks, so that an unfinished run leaves the first 4 KiB zero; no blocks kept back
    # for root.
    options = ["-q", "-t", "ext4", "-b", "4096", "-m", "0", "-E", "nodiscard"]
    return ["mke2fs", *options, "-L", volume.label, "-U", volume.uuid, disk.path, str(size // 4096)]


def _release(machine: Machine, action: Action) -> None:
    disk, volume = _fresh(machine, action), action.volume
    on = disk.contents
    finished = on.filesystem is not None and (on.filesystem.label, on.filesystem.uuid) == (volume.label, volume.uuid)
    _expect(action, finished and judge.state(disk) != judge.FOREIGN, _changed(disk))
    if on.claim:
        with write.exclusive(disk.path) as device:
            # All of the file system must be on the disk before the mark goes, whatever the power does.
            os.fsync(device)
            write.drop_claim(device, disk.size)
    _settle(machine)
    _expect(action, judge.label_of(_fresh(machine, action)) == volume.label, "its label did not read back")


def _directory(machine: Machine, action: Action) -> None:
    path = action.volume.mount
    _expect(action, not _mounted_at(machine, path), f"{path} has been mounted meanwhile; run again")
    os.makedirs(path, mode=0o755, exist_ok=True)
    _expect(
        action,
        os.path.realpath(path) == path and not os.listdir(path),
        f"{path} is not an empty plain directory; clear it and run again",
    )
    problem = write.make_immutable(path)
    if problem:
        machine.warnings.append(
            f"{action.target}: {path} could not be made immutable ({problem}), so files could land on the root "
            "disk while it is not mounted."
        )


def _fstab(machine: Machine, action: Action) -> None:
    path = machine.paths.fstab
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    text = render_fstab(merge_line(parse_fstab(before), action.volume))
    write.replace_file(path, text)
    _expect(
        action,
        line_for(action.volume).raw in path.read_text(encoding="utf-8").splitlines(),
        f"{path} did not read back",
    )
    if _is_systemd():
        # systemd makes its mount units from fstab only when told.
        _command(machine, action, ["systemctl", "daemon-reload"])


def _mount(machine: Machine, action: Action) -> None:
    disk, path = _fresh(machine, action, unused=False), action.volume.mount
    _expect(action, judge.label_of(disk) == action.volume.label, _changed(disk))
    over = _mounted_at(machine, path)
    if not over:  # systemd may have been quicker
        # By the device that was just looked at: where no udev runs, mount resolves a UUID by libblkid's cache, which
        # after disks changed places still names the old device, and mounts another disk without a word.
        how = ["--types", action.volume.tier.filesystem, "--options", ",".join(_plain_options(action.volume))]
        _command(machine, action, ["mount", *how, disk.path, path])
        over = _mounted_at(machine, path)
    _expect(
        action,
        bool(over) and over[-1].number == disk.number,
        f"{path} has another device mounted than {disk.path}; unmount it",
    )
    _expect(action, "ro" not in over[-1].options, f"{path} is mounted read-only; look at the kernel log of {disk.path}")


def _plain_options(volume: Volume) -> list[str]:
    """What is for the kernel; the rest is for systemd and for us."""
    return [option for option in mount_options(volume) if option != "nofail" and not option.startswith("x-")]


def _remount(machine: Machine, action: Action) -> None:
    path, tier = action.volume.mount, action.volume.tier
    _command(machine, action, ["mount", "--options", ",".join(["remount", *_plain_options(action.volume)]), path])
    over = _mounted_at(machine, path)
    lacking = [flag for flag in VISIBLE_FLAGS if flag in tier.options and not (over and flag in over[-1].options)]
    _expect(action, not lacking, f"{path} still lacks {','.join(lacking)} after the remount")


def _owner(machine: Machine, action: Action) -> None:
    volume, tier = action.volume, action.volume.tier
    over = _mounted_at(machine, volume.mount)
    # Never on the directory below: that one belongs to the root disk.
    _expect(
        action,
        bool(over) and over[-1].number == action.disk.number,
        f"{volume.mount} is not mounted any more; run again",
    )
    os.chown(volume.mount, tier.uid, tier.gid)
    os.chmod(volume.mount, tier.mode)
    found = os.stat(volume.mount)
    wanted = (tier.uid, tier.gid, tier.mode)
    _expect(
        action,
        (found.st_uid, found.st_gid, found.st_mode & 0o7777) == wanted,
        f"{volume.mount} kept another owner or mode",
    )


HANDLERS: dict[str, Callable[[Machine, Action], None]] = {
    "erase": _erase,
    "claim": _claim,
    "format": _format,
    "release": _release,
    "directory": _directory,
    "fstab": _fstab,
    "mount": _mount,
    "remount": _remount,
    "owner": _owner,
}


def _claim_of(volume: Volume) -> Claim:
    return Claim(volume.label, volume.uuid, volume.tier.filesystem, volume.serial)


def _fresh(machine: Machine, action: Action, unused: bool = True) -> Disk:
    """The disk as it is this moment; an error when it is not the planned one or when somebody has begun to use it."""
    planned = action.disk
    disk = probe_one(machine.run, machine.paths, planned.name)
    same = (disk.serial, disk.wwn, disk.size, disk.number) == (
        planned.serial,
        planned.wwn,
        planned.size,
        planned.number,
    )
    _expect(action, same, f"{planned.path} is now {disk.title} and was {planned.title}; run again")
    if unused:
        reasons = judge.in_use(disk)
        _expect(
            action,
            not reasons and not disk.unreadable,
            f"{disk.title} " + "; ".join(reason.message for reason in reasons),
        )
    return disk


def _changed(disk: Disk) -> str:
    now = " and ".join(reason.message for reason in judge.contents(disk)) or "is blank"
    return (
        f"{disk.title} has changed since it was looked at and now {now}; nothing was written to it in this "
        "step; run again"
    )


def _expect(action: Action, holds: bool, otherwise: str) -> None:
    if not holds:
        raise ApplyError(action.kind, action.target, otherwise)


def _mounted_at(machine: Machine, path: str) -> list[Mount]:
    return [mount for mount in read_mounts(machine.paths.proc) if mount.path == path]


def _command(machine: Machine, action: Action, argv: Sequence[str]) -> None:
    status, stdout, stderr = machine.run(argv)
    said = " / ".join((stderr.strip() or stdout.strip() or "it printed nothing").splitlines()[-3:])
    _expect(action, status == 0, f"'{' '.join(argv)}' ended with status {status}: {said}")


def _is_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def _settle(machine: Machine) -> None:
    """Let udev finish with the change. Where no udev runs (containers) there is nothing to wait for."""
    if Path("/run/udev/control").exists():
        machine.run(["udevadm", "settle", "--timeout=30"])
