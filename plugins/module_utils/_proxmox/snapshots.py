# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which snapshots of a machine are made, kept and gone back to; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.model import Machine, Storage
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.settings import is_disk, is_ours

PREFIX = "homelab-"
LONGEST = 40
# Of storages with files, only qcow2 keeps snapshots; thick LVM keeps none.
WITH_SNAPSHOTS = ("lvmthin", "zfspool", "rbd", "btrfs")
OF_FILES = ("dir", "nfs", "cifs", "glusterfs", "cephfs")


@dataclass(frozen=True)
class Snapshot:
    """A snapshot that is there."""

    name: str
    made: int  # seconds since 1970


@dataclass(frozen=True)
class Wish:
    """What is asked for: a new snapshot with a reason, or a way back to one."""

    machine: str
    reason: str = ""
    stamp: str = ""
    keep: int = 3
    back_to: str = ""


@dataclass(frozen=True)
class SnapshotPlan:
    """The new name and those that go, or why not."""

    vmid: int = 0
    name: str = ""
    expired: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def ours(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """The snapshots of this collection, oldest first; those of others are never touched."""
    return sorted((each for each in snapshots if each.name.startswith(PREFIX)), key=lambda each: (each.made, each.name))


def plan_snapshot(
    wish: Wish,
    machine: Machine | None,
    config: Mapping[str, str],
    snapshots: Sequence[Snapshot],
    storages: Mapping[str, Storage],
) -> SnapshotPlan:
    """A new snapshot, with the oldest of ours beyond those kept; or the way back to one."""
    problems = list(_problems(wish, machine, config, snapshots, storages))
    if machine is None:
        return SnapshotPlan(problems=tuple(problems))
    name = wish.back_to or f"{PREFIX}{wish.reason}-{wish.stamp}"
    there = ours(snapshots)
    others = [each.name for each in there if each.name != name]
    expired = others[: max(0, len(others) + 1 - wish.keep)] if not wish.back_to else []
    return SnapshotPlan(machine.vmid, name, tuple(expired), tuple(problems))


def _problems(
    wish: Wish,
    machine: Machine | None,
    config: Mapping[str, str],
    snapshots: Sequence[Snapshot],
    storages: Mapping[str, Storage],
) -> Iterator[str]:
    if machine is None:
        yield f"Proxmox VE has no machine called {wish.machine}; make it with playbooks/vm.yml first"
        return
    if not is_ours(config):
        yield (
            f"{wish.machine} is VM {machine.vmid}, which this collection has not made; let it be adopted with "
            f"playbooks/vm.yml -e adopt_vm={wish.machine}"
        )
    if lock := config.get("lock"):
        yield (
            f"VM {machine.vmid} is locked ({lock}); wait for the end of its task, or say 'qm unlock {machine.vmid}' "
            "when none runs, then run again"
        )
    if wish.back_to:
        yield from _way_back(wish, config, snapshots, storages)
        return
    name = f"{PREFIX}{wish.reason}-{wish.stamp}"
    if len(name) > LONGEST or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]+", name):
        yield f"'{name}' is no name of a snapshot, expected up to {LONGEST} letters, digits, - and _"
    for key, value in sorted(disks(config).items()):
        storage = storages.get(value.partition(":")[0])
        if storage and not keeps_snapshots(storage, value):
            yield (
                f"{key} of {wish.machine} lies on {value.partition(':')[0]} ({storage.kind}), which keeps no snapshots"
                "; move it to LVM-thin or ZFS, or to a qcow2 file"
            )


def _way_back(
    wish: Wish, config: Mapping[str, str], snapshots: Sequence[Snapshot], storages: Mapping[str, Storage]
) -> Iterator[str]:
    names = [each.name for each in sorted(snapshots, key=lambda each: each.made)]
    if wish.back_to not in names:
        yield (
            f"{wish.machine} has no snapshot '{wish.back_to}' (there: {', '.join(names) or 'none'}); say "
            "-e snapshot=NAME with one of them"
        )
    elif wish.back_to != names[-1] and any(
        storages[name].kind == "zfspool"
        for name in {value.partition(":")[0] for value in disks(config).values()}
        if name in storages
    ):
        yield f"ZFS goes back only to the newest snapshot, {names[-1]}; go back to that one, or remove those after it"


def disks(config: Mapping[str, str]) -> dict[str, str]:
    """The drives that a snapshot keeps."""
    return {key: value for key, value in config.items() if is_disk(key, value) and "cloudinit" not in value}


def keeps_snapshots(storage: Storage, drive: str) -> bool:
    """Whether a drive on a storage can be kept as it is."""
    if storage.kind in OF_FILES:
        return drive.partition(",")[0].endswith(".qcow2")
    return storage.kind in WITH_SNAPSHOTS
