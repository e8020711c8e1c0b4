# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what the disk modules return, in the words of their users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import fstab, judge
from .model import Disk, MountPoint, Plan, Snapshot, Volume


def describe_disks(snapshot: Snapshot) -> list[dict[str, Any]]:
    same = judge.twins(snapshot.disks)
    return [
        _describe(disk, same)
        for disk in sorted(snapshot.disks, key=lambda disk: (disk.transport, disk.serial, disk.name))
    ]


def _describe(disk: Disk, same: Mapping[str, list[str]]) -> dict[str, Any]:
    reasons = [*judge.obstacles(disk, same.get(disk.serial, ())), *judge.contents(disk)]
    on = disk.contents
    return {
        "device": disk.path,
        "serial": disk.serial,
        "wwn": disk.wwn,
        "transport": disk.transport,
        "vendor": disk.vendor,
        "model": disk.model,
        "size": disk.size,
        "rotational": disk.rotational,
        "removable": disk.removable,
        "read_only": disk.read_only,
        "pci_id": disk.pci_id,
        "pci_address": disk.pci_address,
        "partitions": list(disk.partitions),
        "mounts": list(disk.usage.mounts),
        "holders": list(disk.usage.holders),
        "signatures": [
            {"kind": mark.kind, "place": mark.place, "label": mark.label, "uuid": mark.uuid} for mark in on.signatures
        ],
        "usable": not reasons,
        "erasable": not any(reason.obstacle for reason in reasons),
        "reasons": [{"code": reason.code, "message": reason.message} for reason in reasons],
    }


def report(plan: Plan, snapshot: Snapshot) -> dict[str, Any]:
    """The result of a run; the same whether the plan was carried out or only made."""
    return {
        "changed": bool(plan.actions),
        "actions": [
            {"kind": action.kind, "target": action.target, "message": action.message} for action in plan.actions
        ],
        "volumes": [_volume(volume) for volume in plan.volumes],
        "missing": [
            {"tier": missing.tier, "slot": missing.slot, "mount": missing.mount, "message": missing.message}
            for missing in plan.missing
        ],
        "diff": _diff(plan, snapshot),
    }


def _volume(volume: Volume) -> dict[str, Any]:
    return {
        "tier": volume.tier.name,
        "slot": volume.slot,
        "label": volume.label,
        "mount": volume.mount,
        "filesystem": volume.tier.filesystem,
        "uuid": volume.uuid,
        "serial": volume.serial,
        "reserve": volume.tier.reserve,
    }


def _diff(plan: Plan, snapshot: Snapshot) -> dict[str, Any]:
    disks = {disk.serial: disk for disk in snapshot.disks}
    places = {place.path: place for place in snapshot.mount_points}
    before, after = {}, {}
    for volume in plan.volumes:
        tier, disk = volume.tier, disks[volume.serial]
        place = places.get(volume.mount, MountPoint(volume.mount))
        lines = [line.raw for line in snapshot.fstab if line.spec and fstab.is_ours(line, volume)]
        before[volume.label] = {
            "contents": " and ".join(reason.message for reason in judge.contents(disk)) or "blank",
            "fstab": lines,
            "owner": f"{place.uid}:{place.gid} {place.mode:04o}" if place.mounted else "",
            "serial": volume.serial,
            "mounted": bool(place.mounted),
        }
        after[volume.label] = dict(before[volume.label])
        mine = [action.kind for action in plan.actions if action.volume == volume]
        if "format" in mine or "release" in mine:
            after[volume.label]["contents"] = f"holds {tier.filesystem} '{volume.label}'"
        if "fstab" in mine:
            after[volume.label]["fstab"] = [fstab.line_for(volume).raw]
        if "owner" in mine:
            after[volume.label]["owner"] = f"{tier.uid}:{tier.gid} {tier.mode:04o}"
        after[volume.label]["mounted"] = True
    return {"before": before, "after": after}
