# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: may a disk be written, and why not. Pure; both disk modules ask here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .model import SMALLEST, Disk, Selector, Signature

BLANK, UNFINISHED, MADE, FOREIGN = "blank", "unfinished", "made", "foreign"


@dataclass(frozen=True)
class Reason:
    """Why a disk is not free; `code` is for programs. Contents may be erased on request, obstacles never ignored."""

    code: str
    message: str
    obstacle: bool = True


def human(size: int) -> str:
    value, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"


def mismatches(disk: Disk, select: Selector) -> list[str]:
    """How a disk differs from a selector; empty when it matches."""
    found = []
    for key in ("transport", "vendor", "model", "serial", "wwn", "pci_id"):
        patterns, value = getattr(select, key), getattr(disk, key)
        if patterns and not any(fnmatchcase(value.lower(), pattern.lower()) for pattern in patterns):
            found.append(f"its {key} is '{value}'")
    # A loop device is a file of some file system; only a layout that says so may take it.
    if disk.transport == "loop" and "loop" not in select.transport:
        found.append("it is a loop device and select.transport does not say loop")
    if select.size_min is not None and disk.size < select.size_min:
        found.append(f"it is too small, {human(disk.size)} where at least {human(select.size_min)} is wanted")
    if select.size_max is not None and disk.size > select.size_max:
        found.append(f"it is too large, {human(disk.size)} where at most {human(select.size_max)} is wanted")
    if select.rotational is not None and disk.rotational != select.rotational:
        found.append("it rotates" if disk.rotational else "it does not rotate")
    return found


def twins(disks: Iterable[Disk]) -> dict[str, list[str]]:
    """Serial -> kernel names, of the serials that more than one disk has."""
    names: dict[str, list[str]] = {}
    for disk in disks:
        if disk.serial:
            names.setdefault(disk.serial, []).append(disk.name)
    return {serial: sorted(found) for serial, found in names.items() if len(found) > 1}


def in_use(disk: Disk) -> list[Reason]:
    """Everybody who uses the disk or something built on it."""
    usage, found = disk.usage, []
    if usage.system:
        found.append(Reason("system", "is the system disk; narrow select so that it is left out."))
    if usage.mounts:
        found.append(
            Reason("mounted", f"is mounted at {', '.join(usage.mounts)}; unmount it, or leave it out of select.")
        )
    if usage.swaps:
        found.append(
            Reason(
                "swap",
                f"is used as swap ({', '.join(usage.swaps)}); swapoff and remove it from fstab, or leave it out.",
            )
        )
    if usage.holders:
        found.append(
            Reason(
                "held",
                f"is held by {', '.join(usage.holders)}; release it there first, or leave the disk out of select.",
            )
        )
    if usage.busy and not found:
        found.append(
            Reason("busy", "is opened exclusively by another program; stop that program, or leave the disk out.")
        )
    return found


def obstacles(disk: Disk, same_serial: Sequence[str] = (), reserve: int = 0, kind: str = "ext4") -> list[Reason]:
    """What forbids any write, whatever the user allows."""
    found = in_use(disk)
    if disk.unreadable:
        found.append(Reason("unreadable", f"could not be read ({disk.unreadable}); check the disk and its cable."))
    if disk.read_only:
        found.append(Reason("read-only", "is read-only; lift its write protection or replace it."))
    if disk.failing:
        found.append(Reason("failing", f"reports that it is failing ({disk.failing}); replace it."))
    if not disk.serial:
        found.append(
            Reason(
                "no-serial", "has no serial number, so it could not be told from others; give it one or leave it out."
            )
        )
    if len(same_serial) > 1:
        found.append(
            Reason(
                "same-serial",
                f"has the serial of another disk ({', '.join(same_serial)}): "
                "two paths to one disk, or serials that cannot be trusted; leave one path, or leave both out.",
            )
        )
    needed = reserve + SMALLEST[kind]
    if disk.size < needed:
        found.append(
            Reason(
                "too-small",
                f"is too small: {human(disk.size)}, and the tier needs more than {human(needed)}; take a larger disk.",
            )
        )
    return found


def contents(disk: Disk) -> list[Reason]:
    """What is on the disk that an erasure would destroy."""
    on, found = disk.contents, []
    if on.signatures:
        marks = ", ".join(_place(signature) for signature in on.signatures)
        found.append(Reason("signature", f"holds {marks}", obstacle=False))
    if disk.partitions:
        found.append(Reason("partitions", f"has partitions {', '.join(disk.partitions)}", obstacle=False))
    if on.claim:
        found.append(
            Reason("claim", f"carries our claim for {on.claim.label} (disk serial {on.claim.serial})", obstacle=False)
        )
    if on.data_at and not on.signatures:
        found.append(
            Reason("data", f"holds data without a known signature, first at byte {on.data_at[0]}", obstacle=False)
        )
    return found


def _place(signature: Signature) -> str:
    return str(signature) if signature.place == "whole disk" else f"{signature} on {signature.place}"


def state(disk: Disk) -> str:
    """What the disk's contents mean to us, whatever the wanted layout is."""
    on = disk.contents
    kinds = {signature.kind for signature in on.signatures}
    if not contents(disk):
        return BLANK
    if disk.partitions or disk.unreadable or (on.claim and on.claim.serial != disk.serial):
        return FOREIGN
    if on.filesystem is None:
        # A claim is honoured only while the start of the disk shows that nobody else began to use it.
        return UNFINISHED if on.claim and on.head_blank and not kinds else FOREIGN
    if kinds != {on.filesystem.kind}:
        return FOREIGN
    if on.claim is None:
        return MADE
    if (on.claim.uuid, on.claim.filesystem) != (on.filesystem.uuid, on.filesystem.kind):
        return FOREIGN
    return UNFINISHED if on.filesystem.pristine else MADE


def label_of(disk: Disk) -> str:
    """The slot's label that a disk made or begun by us carries; empty for any other."""
    on, found = disk.contents, state(disk)
    if found == UNFINISHED and on.claim:
        return on.claim.label
    return on.filesystem.label if found == MADE and on.filesystem else ""
