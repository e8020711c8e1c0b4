# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: from what is there and what is wanted to actions, or to every refusal. Pure.

The truth table, for one disk that a tier selects; `docs/disks.md` has it with its reasons, the tests a case per row.

    this tier's file system and label                          | matches    | any wipe | keep and mount, never format
    in use, read-only, failing, too small, no or shared serial | any other  | any wipe | refuse
    claim of ours, nothing else but its unfinished file system | unfinished | any wipe | format again, go on
    nothing at all in any sampled area                         | blank      | any wipe | claim, format, mount
    anything else                                              | foreign    | no       | refuse
    anything else                                              | foreign    | yes      | erase, then as blank
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import fstab, judge
from .locate import Slots, fill_slots, order, volume_uuid
from .model import Action, Disk, Layout, MountPoint, Plan, Refusal, Snapshot, Tier, Volume

# Mount flags that the kernel shows by the same name, so that what is in force can be compared with what is wanted.
VISIBLE_FLAGS = ("noatime", "nodiratime", "nosuid", "nodev", "noexec")


def make_plan(snapshot: Snapshot, layout: Layout) -> Plan:
    """Tiers by name, slots by number, steps in the order below: never the order of the input."""
    disks = sorted(snapshot.disks, key=order)
    tiers = [
        fill_slots(tier, layout, disks, snapshot.fstab) for tier in sorted(layout.tiers, key=lambda tier: tier.name)
    ]
    refusals = [*_claimed_twice(layout, disks), *(refusal for slots in tiers for refusal in slots.refusals)]
    places = {place.path: place for place in snapshot.mount_points}
    actions: list[Action] = []
    volumes: list[Volume] = []
    for tier in tiers:
        for slot, disk in sorted(tier.disks.items()):
            volume = _volume(tier.tier, slot, disk)
            place = places.get(volume.mount, MountPoint(volume.mount))
            refusals += _refuse_place(volume, disk, place, snapshot)
            actions += _steps(volume, disk, place, snapshot)
            volumes.append(volume)
    # Erasures come first: a copy of another disk's file system must be gone before that one is mounted by UUID.
    actions.sort(key=lambda action: action.kind != "erase")
    erased = {action.disk.serial for action in actions if action.kind == "erase"}
    refusals += _copies(volumes, [disk for disk in disks if disk.serial not in erased])
    if refusals:
        return Plan(refusals=tuple(sorted(set(refusals), key=lambda refusal: (refusal.tier, refusal.message))))
    return Plan(
        actions=tuple(actions),
        missing=tuple(missing for tier in tiers for missing in tier.missing),
        volumes=tuple(volumes),
        warnings=tuple(_warnings(tiers, layout, disks)),
    )


def _volume(tier: Tier, slot: int, disk: Disk) -> Volume:
    label, on = tier.label(slot), disk.contents
    uuid = volume_uuid(disk.serial, label)
    if on.filesystem and _is_made(disk, label, tier):
        uuid = on.filesystem.uuid
    elif on.claim and _is_unfinished(disk, label, tier):
        uuid = on.claim.uuid
    return Volume(tier, slot, disk.serial, uuid)


def _is_made(disk: Disk, label: str, tier: Tier) -> bool:
    on = disk.contents.filesystem
    return judge.state(disk) == judge.MADE and on is not None and (on.label, on.kind) == (label, tier.filesystem)


def _is_unfinished(disk: Disk, label: str, tier: Tier) -> bool:
    on = disk.contents.claim
    return (
        judge.state(disk) == judge.UNFINISHED
        and on is not None
        and (on.label, on.filesystem) == (label, tier.filesystem)
    )


def _claimed_twice(layout: Layout, disks: Iterable[Disk]) -> list[Refusal]:
    found = []
    for disk in disks:
        names = sorted(tier.name for tier in layout.tiers if not judge.mismatches(disk, tier.select))
        if len(names) > 1:
            text = f"{disk.title} is selected by tiers {', '.join(names)}; narrow their select until only one takes it."
            found.append(Refusal(names[0], text, disk.serial))
    return found


def _refuse_place(volume: Volume, disk: Disk, place: MountPoint, snapshot: Snapshot) -> list[Refusal]:
    """Reasons against this mount point, and against mounting a finished disk."""
    found = fstab.clashes(snapshot.fstab, volume)
    if place.kind == "other":
        found.append(
            f"{place.path} is not a plain directory; remove it or choose another mount point for {volume.label}."
        )
    elif place.mounted and place.mounted != disk.number:
        found.append(f"{place.path} has something else mounted, where {volume.label} is wanted; unmount it first.")
    elif not place.mounted and place.entries:
        found.append(
            f"{place.path} has {place.entries} entries of its own that {volume.label} would hide; move them away, "
            "then run again."
        )
    if not place.mounted and _is_made(disk, volume.label, volume.tier):
        found += [f"{disk.title} {reason.message}" for reason in judge.in_use(disk)]
        if disk.read_only or disk.unreadable:
            found.append(f"{disk.title} is {volume.label} and read-only or unreadable; replace it by a blank disk.")
    where = f"tier '{volume.tier.name}': "
    return [Refusal(volume.tier.name, where + text, disk.serial) for text in found]


def _copies(volumes: Sequence[Volume], disks: Sequence[Disk]) -> list[Refusal]:
    found = []
    for volume in volumes:
        for other in disks:
            claimed = other.contents.claim is not None and other.contents.claim.uuid == volume.uuid
            marked = claimed or any(mark.uuid == volume.uuid for mark in other.contents.signatures)
            if other.serial != volume.serial and marked:
                text = (
                    f"tier '{volume.tier.name}': {other.title} has the file system UUID of {volume.label} "
                    f"({volume.uuid}), "
                    "so mounting by UUID would be a gamble; remove the copy or give it a new UUID."
                )
                found.append(Refusal(volume.tier.name, text, other.serial))
    return found


def _steps(volume: Volume, disk: Disk, place: MountPoint, snapshot: Snapshot) -> list[Action]:
    """Each step leaves a disk that is blank, plainly ours and unfinished, or finished; so a killed run can go on."""
    label, tier, steps = volume.label, volume.tier, []
    made, unfinished = _is_made(disk, label, tier), _is_unfinished(disk, label, tier)
    on_disk = judge.contents(disk)
    if on_disk and not made and not unfinished:
        what = " and ".join(reason.message for reason in on_disk)
        steps.append(("erase", f"Erase {disk.title}, which {what}, as its serial under wipe allows."))
    if not made and not unfinished:
        steps.append(("claim", f"Mark {disk.title} as becoming {label}."))
    if not made:
        steps.append(("format", f"Make {tier.filesystem} '{label}' with UUID {volume.uuid} on {disk.title}."))
    if not made or disk.contents.claim:
        steps.append(("release", f"Remove the mark from {label}, which is finished."))
    if not place.mounted and (place.kind == "absent" or place.immutable is False):
        steps.append(("directory", f"Make the mount point {volume.mount}, empty and immutable."))
    if fstab.merge_line(snapshot.fstab, volume) != snapshot.fstab:
        steps.append(("fstab", f"Mount {label} at {volume.mount} by UUID at each boot."))
    steps += _mount_steps(volume, place)
    return [Action(kind, volume, disk, message) for kind, message in steps]


def _mount_steps(volume: Volume, place: MountPoint) -> list[tuple[str, str]]:
    tier, steps = volume.tier, []
    wanted = (tier.uid, tier.gid, tier.mode)
    flags = [flag for flag in VISIBLE_FLAGS if flag in tier.options and flag not in place.mount_options]
    if not place.mounted:
        steps.append(("mount", f"Mount {volume.label} at {volume.mount}."))
    elif flags:
        steps.append(("remount", f"Remount {volume.mount} with {','.join(flags)}."))
    # Who owns the root of an unmounted file system is not known, so it is set after each mount.
    if not place.mounted or (place.uid, place.gid, place.mode) != wanted:
        steps.append(("owner", f"Give {volume.mount} to {tier.uid}:{tier.gid} with mode {tier.mode:04o}."))
    return steps


def _warnings(tiers: Sequence[Slots], layout: Layout, disks: Sequence[Disk]) -> list[str]:
    found = []
    used = {disk.serial: (slots.tier.label(slot), disk) for slots in tiers for slot, disk in slots.disks.items()}
    for serial in sorted(layout.wipe):
        if serial in used and judge.label_of(used[serial][1]) == used[serial][0]:
            found.append(f"wipe: {serial} is {used[serial][0]} and is not erased; take its serial off the list.")
        elif serial not in {disk.serial for disk in disks}:
            found.append(f"wipe: no disk here has the serial {serial}; take it off the list, or check it for a slip.")
        elif serial not in used:
            found.append(
                f"wipe: no tier selects the disk with serial {serial}, so it is left alone; take its serial off "
                "the list."
            )
    for label, disk in sorted(used.values(), key=lambda item: item[0]):
        if disk.failing:
            found.append(
                f"{label}: {disk.title} reports that it is failing ({disk.failing}); move its data away and replace it."
            )
    return found
