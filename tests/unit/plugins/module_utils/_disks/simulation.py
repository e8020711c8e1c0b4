# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine in memory: does to a snapshot what each action does to a real machine, with the same conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks import judge
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.fstab import merge_line
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.model import (
    MIB,
    Action,
    Claim,
    Contents,
    Disk,
    Filesystem,
    Layout,
    MountPoint,
    Signature,
    Snapshot,
    Usage,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.signatures import WHOLE, Reader

GB = 10**9


def disk(serial: str, name: str = "", transport: str = "nvme", **facts: object) -> Disk:
    """A blank disk that nothing speaks against."""
    name = name or f"disk-{serial}"
    known = {"size": 110 * GB, "model": "OPTANE", "wwn": f"eui.{serial}", **facts}
    return Disk(name=name, path=f"/dev/{name}", number=f"259:{name}", serial=serial, transport=transport, **known)


def holding(kind: str, label: str = "", uuid: str = "", pristine: bool = False) -> Contents:
    """A file system over the whole disk."""
    filesystem = Filesystem(kind, label, uuid or f"uuid-of-{label}", pristine)
    mark = Signature(kind, WHOLE, filesystem.label, filesystem.uuid)
    return Contents(signatures=(mark,), filesystem=filesystem, data_at=(1024,), head_blank=False)


def signed(kind: str) -> Contents:
    return Contents(signatures=(Signature(kind, WHOLE),), data_at=(0,), head_blank=False)


def memory(size: int, *written: tuple[int, bytes]) -> Reader:
    """A disk of zeros with bytes at a few places."""

    def read(offset: int, length: int) -> bytes:
        if not 0 <= offset < size:
            return b""
        block = bytearray(min(length, size - offset))
        for place, data in written:
            start, end = max(place, offset), min(place + len(data), offset + len(block))
            if start < end:
                block[start - offset : end - offset] = data[start - place : end - place]
        return bytes(block)

    return read


def mount_points(layout: Layout) -> tuple[MountPoint, ...]:
    return tuple(MountPoint(tier.mount_at(slot)) for tier in layout.tiers for slot in range(1, tier.count + 1))


@dataclass(frozen=True)
class World:
    """A snapshot, and what the simulated programs have destroyed so far."""

    snapshot: Snapshot
    written: frozenset[str] = frozenset()

    def disk_of(self, action: Action) -> Disk:
        return next(found for found in self.snapshot.disks if found.name == action.disk.name)

    def with_contents(self, action: Action, contents: Contents, **facts: object) -> World:
        old = self.disk_of(action)
        disks = tuple(
            replace(found, contents=contents, **facts) if found.name == old.name else found
            for found in self.snapshot.disks
        )
        return World(replace(self.snapshot, disks=disks), self.written | {old.name})

    def with_usage(self, action: Action, usage: Usage) -> World:
        disks = tuple(
            replace(found, usage=usage) if found.name == action.disk.name else found for found in self.snapshot.disks
        )
        return replace(self, snapshot=replace(self.snapshot, disks=disks))

    def with_place(self, action: Action, **facts: object) -> World:
        places = {place.path: place for place in self.snapshot.mount_points}
        path = action.volume.mount
        places[path] = replace(places.get(path, MountPoint(path)), **facts)
        return replace(self, snapshot=replace(self.snapshot, mount_points=tuple(places.values())))

    def place_of(self, action: Action) -> MountPoint:
        return next(place for place in self.snapshot.mount_points if place.path == action.volume.mount)


def claim_of(action: Action) -> Claim:
    volume = action.volume
    return Claim(volume.label, volume.uuid, volume.tier.filesystem, volume.serial)


def made_by(action: Action) -> Contents:
    volume = action.volume
    return holding(volume.tier.filesystem, volume.label, volume.uuid, pristine=volume.tier.filesystem == "ext4")


def perform(world: World, action: Action) -> World:
    """The world after a whole action; AssertionError where the real handler would refuse."""
    found = world.disk_of(action)
    if action.kind in ("erase", "claim", "format", "release"):
        assert not judge.in_use(found), f"{action.kind} on a disk in use"
    if action.kind == "erase":
        return world.with_contents(action, Contents(), partitions=())
    if action.kind == "claim":
        assert judge.state(found) == judge.BLANK, "claim on a disk that is not blank"
        return world.with_contents(action, Contents(claim=claim_of(action)))
    if action.kind == "format":
        assert judge.state(found) == judge.UNFINISHED, "format without a claim"
        assert found.contents.claim == claim_of(action)
        return world.with_contents(action, replace(made_by(action), claim=claim_of(action)))
    if action.kind == "release":
        assert found.contents.filesystem is not None
        return world.with_contents(action, replace(found.contents, claim=None))
    return _perform_on_host(world, action)


def _perform_on_host(world: World, action: Action) -> World:
    place, tier = world.place_of(action), action.volume.tier
    if action.kind == "directory":
        assert not place.mounted
        assert not place.entries
        return world.with_place(action, kind="directory", immutable=True)
    if action.kind == "fstab":
        return replace(world, snapshot=replace(world.snapshot, fstab=merge_line(world.snapshot.fstab, action.volume)))
    if action.kind == "mount":
        found = world.disk_of(action)
        assert judge.label_of(found) == action.volume.label
        assert found.contents.claim is None
        filesystem = found.contents.filesystem
        assert filesystem is not None
        contents = replace(found.contents, filesystem=replace(filesystem, pristine=False))
        world = world.with_contents(action, contents).with_usage(action, Usage(mounts=(place.path,), busy=True))
        flags = tuple(option for option in tier.options if option.startswith("no"))
        return world.with_place(action, mounted=found.number, mount_options=flags, immutable=None)
    if action.kind == "remount":
        return world.with_place(action, mount_options=tier.options)
    assert action.kind == "owner"
    assert place.mounted == world.disk_of(action).number
    return world.with_place(action, uid=tier.uid, gid=tier.gid, mode=tier.mode)


def killed_within(world: World, action: Action) -> Iterator[World]:
    """What a kill in the middle of an action can leave."""
    found = world.disk_of(action)
    if action.kind == "erase":
        yield world.with_contents(action, Contents(data_at=(0, 4096), head_blank=False))
    elif action.kind == "format":
        yield world.with_contents(action, Contents(claim=found.contents.claim))
        yield world.with_contents(action, Contents(claim=found.contents.claim, data_at=(4096, 10**9)))
        yield world.with_contents(action, replace(made_by(action), claim=found.contents.claim))
        if action.volume.tier.filesystem == "xfs":
            half = holding("xfs", action.volume.label, action.volume.uuid, pristine=True)
            yield world.with_contents(action, replace(half, claim=found.contents.claim))
    elif action.kind == "directory":
        yield world.with_place(action, kind="directory", immutable=False)
    elif action.kind == "owner":
        yield world.with_place(action, uid=action.volume.tier.uid, gid=action.volume.tier.gid, mode=0o700)


__all__ = ["GB", "MIB", "World", "disk", "holding", "killed_within", "memory", "mount_points", "perform", "signed"]
