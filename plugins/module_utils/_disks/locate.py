# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which disk fills which slot: first those that carry its label, then blank ones."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from . import judge
from .model import Disk, FstabLine, Layout, Missing, Refusal, Tier

NAMESPACE = uuid.UUID("6f1d5f0e-5d0b-5c1b-9a53-8a1f5a8a2f10")


@dataclass
class Slots:
    """What one tier comes to."""

    tier: Tier
    disks: dict[int, Disk] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    def refuse(self, message: str, serial: str = "") -> None:
        self.refusals.append(Refusal(self.tier.name, f"tier '{self.tier.name}': {message}", serial))


def volume_uuid(serial: str, label: str) -> str:
    """The same for the same disk and slot, so that a run that was killed is continued with the same UUID."""
    return str(uuid.uuid5(NAMESPACE, f"{serial}/{label}"))


def order(disk: Disk) -> tuple[str, str, str]:
    """Blank disks are numbered by serial: it stays when slots, cables and kernel names change."""
    return (disk.serial, disk.wwn, disk.name)


def slot_of(label: str, tier: Tier) -> int | None:
    match = re.match(rf"^{re.escape(tier.name)}-([1-9]\d*)$", label)
    return int(match.group(1)) if match else None


def fill_slots(tier: Tier, layout: Layout, disks: Sequence[Disk], fstab: Sequence[FstabLine]) -> Slots:
    found = Slots(tier)
    same = judge.twins(disks)
    matching = [disk for disk in sorted(disks, key=order) if not judge.mismatches(disk, tier.select)]
    _refuse_strangers_with_our_label(found, disks)
    rest = _locate(found, matching, layout)
    if len(matching) > tier.count:
        names = "; ".join(disk.title for disk in matching)
        found.refuse(
            f"{tier.count} disks are expected and {len(matching)} match: {names}; narrow select, or raise count."
        )
    remembered = _remembered(tier, fstab)
    if len(matching) < tier.count and not found.disks and not remembered:
        found.refuse(_too_few(tier, matching, disks))
    free = [slot for slot in range(1, tier.count + 1) if slot not in found.disks]
    for disk in rest:
        slot = free.pop(0) if free else None
        _check_candidate(found, disk, slot, same, layout)
        if slot is not None:
            found.disks[slot] = disk
    for disk in found.disks.values():
        if disk not in rest and judge.state(disk) == judge.UNFINISHED:
            _refuse_obstacles(found, disk, same)
    if not found.refusals:
        found.missing = [_missing(tier, slot, remembered.get(slot, "")) for slot in free]
    return found


def _locate(found: Slots, matching: Sequence[Disk], layout: Layout) -> list[Disk]:
    """Put disks that carry a label of this tier into their slots; return the others."""
    tier, rest = found.tier, []
    for disk in sorted(matching, key=lambda disk: (disk.serial in layout.wipe, order(disk))):
        slot = slot_of(judge.label_of(disk), tier)
        if (
            slot is None
            or not _right_kind(disk, tier)
            or (disk.serial in layout.wipe and _gives_way(found, slot, layout))
        ):
            rest.append(disk)
        elif slot > tier.count:
            found.refuse(
                f"{disk.title} is {tier.label(slot)}, beyond the count of {tier.count}; raise count, or leave it out.",
                disk.serial,
            )
        elif slot in found.disks:
            found.refuse(
                f"{disk.title} and {found.disks[slot].title} both carry {tier.label(slot)}; relabel the one that "
                "is the copy.",
                disk.serial,
            )
        else:
            found.disks[slot] = disk
    return sorted(rest, key=order)


def _gives_way(found: Slots, slot: int, layout: Layout) -> bool:
    """Of two disks with one label the one named for erasure goes; with both named it is not ours to choose."""
    holder = found.disks.get(slot)
    return slot > found.tier.count or (holder is not None and holder.serial not in layout.wipe)


def _right_kind(disk: Disk, tier: Tier) -> bool:
    on = disk.contents
    if judge.state(disk) == judge.UNFINISHED:
        return on.claim is not None and on.claim.filesystem == tier.filesystem
    return on.filesystem is not None and on.filesystem.kind == tier.filesystem


def _check_candidate(found: Slots, disk: Disk, slot: int | None, same: Mapping[str, list[str]], layout: Layout) -> None:
    _refuse_obstacles(found, disk, same)
    on_disk = judge.contents(disk)
    if not on_disk or disk.serial in layout.wipe:
        return
    what = " and ".join(reason.message for reason in on_disk)
    wanted = f"a blank disk for {found.tier.label(slot)}" if slot else "a blank disk"
    keep = ""
    if (
        disk.contents.filesystem
        and slot_of(disk.contents.filesystem.label, found.tier)
        and judge.state(disk) == judge.MADE
    ):
        keep = f"set filesystem to {disk.contents.filesystem.kind} to keep it, or "
    found.refuse(
        f"{disk.title} {what}, where {wanted} is wanted; {keep}leave it out of select, "
        f"or list its serial '{disk.serial}' under wipe to erase it.",
        disk.serial,
    )


def _refuse_obstacles(found: Slots, disk: Disk, same: Mapping[str, list[str]]) -> None:
    tier = found.tier
    for reason in judge.obstacles(disk, same.get(disk.serial, ()), tier.reserve, tier.filesystem):
        found.refuse(f"{disk.title} {reason.message}", disk.serial)


def _refuse_strangers_with_our_label(found: Slots, disks: Sequence[Disk]) -> None:
    for disk in sorted(disks, key=order):
        differs = judge.mismatches(disk, found.tier.select)
        if differs and slot_of(judge.label_of(disk), found.tier):
            found.refuse(
                f"{disk.title} carries the label {judge.label_of(disk)} but is not of this tier: "
                f"{' and '.join(differs)}; "
                "relabel it, or widen select.",
                disk.serial,
            )


def _too_few(tier: Tier, matching: Sequence[Disk], disks: Sequence[Disk]) -> str:
    names = "; ".join(disk.title for disk in matching) or "none"
    close = []
    for disk in sorted(disks, key=order):
        differs = judge.mismatches(disk, tier.select)
        if len(differs) == 1 and not disk.usage.system:
            close.append(f"{disk.title}: {differs[0]}")
    hint = f" Nearly: {'; '.join(close[:5])}." if close else ""
    return (
        f"{tier.count} disks are expected and {len(matching)} match: {names}; widen select, lower count, or "
        f"check the hardware.{hint}"
    )


def _remembered(tier: Tier, fstab: Sequence[FstabLine]) -> dict[int, str]:
    """Slots that were made before, by the lines we left in fstab: slot -> what the line mounts."""
    found = {}
    for line in fstab:
        for option in line.options:
            slot = slot_of(option[len("x-homelab.volume=") :], tier) if option.startswith("x-homelab.volume=") else None
            if slot is not None:
                found[slot] = line.spec
    return found


def _missing(tier: Tier, slot: int, spec: str) -> Missing:
    label, mount = tier.label(slot), tier.mount_at(slot)
    was = f" ({spec})" if spec else ""
    return Missing(
        tier.name,
        slot,
        mount,
        f"tier '{tier.name}' slot {slot}: the disk of {label}{was} is not in this machine, so {mount} stays empty; "
        "put it back, or put in a blank disk that matches select.",
    )
