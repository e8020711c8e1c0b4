# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: rows about the tiers of the nodes: the right disks at the right places; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._disks.judge import mismatches
from .._disks.model import Disk, Selector
from .._disks.wanted import parse_size
from .model import BAD, UNKNOWN, Object, Row, World, failure, found, some, verdict

TEXTS = ("transport", "vendor", "model", "serial", "wwn", "pci_id")


def rows(world: World) -> Iterator[Row]:
    """One row for each tier of each node."""
    catalogue = world.site.get("homelab_tiers") or {}
    for machine in world.members():
        if world.hidden(machine):
            continue
        for name, count in tiers_of(world.wish(machine)):
            tier = catalogue.get(name)
            if tier is None:
                yield Row(
                    "storage", machine, f"tier-{name}", BAD, f"offers {name}, which homelab_tiers does not describe"
                )
            elif tier.get("directory"):
                yield _directory(world, machine, name, tier)
            else:
                yield _disks(world, machine, name, tier, count)


def tiers_of(wish: Object) -> list[tuple[str, int]]:
    """Names of a node's tiers with the number of their disks."""
    return [
        (tier, 1) if isinstance(tier, str) else (tier["name"], int(tier.get("count") or 1))
        for tier in wish.get("tiers") or ()
    ]


def places(tier: Object, count: int) -> list[str]:
    """Where a tier's disks are mounted."""
    return [str(tier["mount"]).replace("{n}", str(number)) for number in range(1, count + 1)]


def selector(raw: Mapping[str, Any]) -> Selector:
    """What a disk of the tier has to be."""
    texts: dict[str, Any] = {key: tuple(map(str, raw.get(key) or ())) for key in TEXTS}
    sizes: dict[str, Any] = {key: parse_size(str(raw[key])) for key in ("size_min", "size_max") if raw.get(key)}
    return Selector(rotational=raw.get("rotational"), **texts, **sizes)


def disk_of(raw: Object) -> Disk:
    """A disk as disk_info shows it."""
    texts: dict[str, Any] = {key: str(raw.get(key) or "") for key in TEXTS}
    name = str(raw.get("device") or "").rpartition("/")[2]
    size, rotational = int(raw.get("size") or 0), bool(raw.get("rotational"))
    return Disk(name, str(raw.get("device") or ""), "", size, rotational=rotational, **texts)


def _directory(world: World, machine: str, name: str, tier: Object) -> Row:
    check, path = f"tier-{name}", str(tier["directory"])
    look = found(world, machine, "storage")
    if look is None:
        why = failure(world, machine, "storage")
        return Row("storage", machine, check, UNKNOWN, f"{path} could not be looked at: {why}")
    mine = [sentence for sentence in look.get("problems") or () if sentence.startswith(f"{path} ")]
    size = next((item["size"] for item in look.get("directories") or () if item["path"] == path), 0)
    return verdict("storage", machine, check, mine, f"{path} is a directory of a disk of {size // 10**9} GB")


def _disks(world: World, machine: str, name: str, tier: Object, count: int) -> Row:
    check = f"tier-{name}"
    look = found(world, machine, "disks")
    if look is None:
        return Row("storage", machine, check, UNKNOWN, f"could not be looked at: {failure(world, machine, 'disks')}")
    disks, wanted = look.get("disks") or [], places(tier, count)
    bare = [place for place in wanted if not any(place in disk["mounts"] for disk in disks)]
    problems = []
    if bare:
        problems.append(
            f"nothing is mounted at {some(bare)}, so that files would go to the system disk; "
            f"ansible-playbook playbooks/storage.yml -e node={machine}"
        )
    problems += [said for place in wanted for said in _wrong(place, disks, selector(tier.get("select") or {}))]
    return verdict("storage", machine, check, problems, f"{count} disks of the tier are mounted, {wanted[0]} first")


def _wrong(place: str, disks: Sequence[Object], select: Selector) -> Iterator[str]:
    for raw in disks:
        if place not in raw["mounts"]:
            continue
        title = f"{raw.get('model') or 'a disk'} (serial {raw.get('serial') or 'none'})"
        if "/" in raw["mounts"]:
            yield f"{place} is a mount of the system disk {title}; unmount it, and mount the tier's own disk"
        for why in mismatches(disk_of(raw), select):
            yield f"{place} is a mount of {title}, which is not of this tier, for {why}; swap the disks back"
