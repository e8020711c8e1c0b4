# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the parts of the inventory about disks, tiers, pools and exports, typed."""

from __future__ import annotations

import re

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import Export, Tier, TierWish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.reader import Form, Reader

PATH = Form("an absolute path", re.compile(r"/[^\s,\\]*[^\s,\\/]"), "begin it with /, without a slash at its end")
SIZE = Form("a size", re.compile(r"\d+(\.\d+)? ?[KMGTP]i?B"), "write a number with its unit, e.g. 20GiB")
RESERVE = Form(
    "a size or a share", re.compile(r"\d+(\.\d+)? ?[KMGTP]i?B|[1-9]\d?%"), "write a size or a share, e.g. 100GiB or 40%"
)
CLASS = Form(
    "a name of a storage class",
    re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"),
    "write lower-case letters, digits and -",
)
UUID = Form(
    "the UUID of a file system",
    re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "copy it from lsblk -o NAME,UUID",
)
SERIAL = Form("a serial number", re.compile(r"[^\s/]+"), "name the disk by the serial that disk_info shows")

TIER_KEYS = (
    "description", "select", "filesystem", "mount", "options", "directory", "reserve", "storage_class", "replicas",
)  # fmt: skip
SELECT_TEXTS = ("transport", "vendor", "model", "serial", "wwn", "pci_id")
SELECT_KEYS = (*SELECT_TEXTS, "size_min", "size_max", "rotational")
FILESYSTEMS = ("ext4", "xfs")
POOL_KEYS = ("path", "uuid", "filesystem", "options")
POOL_FILESYSTEMS = ("ext4", "xfs", "btrfs", "zfs")
EXPORT_KEYS = ("path", "owner", "group", "mode", "squash", "nested")
SQUASHES = ("all", "root", "none")
MODE = Form("a file mode", re.compile(r"[0-7]{3,4}"), 'write it in octal and in quotes, e.g. "0775"')


def catalogue(tiers: Reader) -> tuple[Tier, ...]:
    """The kinds of storage that the site knows."""
    if tiers.absent:
        tiers.require("write a mapping of tier names to {description: ..}, or {} for none")
    return tuple(_tier(name, place.mapping(TIER_KEYS)) for name, place in tiers.entries())


def _tier(name: str, tier: Reader) -> Tier:
    tier["description"].text()
    on_disks = not tier["select"].absent
    if tier.is_mapping and on_disks != tier["directory"].absent:
        tier.complain(
            " needs either disks or a directory", "write select and mount for disks, or directory for one of the system"
        )
    select(tier["select"], required=False)
    tier["filesystem"].choice(FILESYSTEMS, required=False)
    tier["mount"].text(PATH, required=on_disks)
    tier["directory"].text(PATH, required=False)
    tier["reserve"].text(SIZE if on_disks else RESERVE, required=False)
    for option in tier["options"].items():
        option.text()
    return Tier(name, on_disks, tier["storage_class"].text(CLASS, required=False), tier["replicas"].number())


def select(place: Reader, required: bool) -> None:
    """The facts that choose disks; disk_layout judges what they mean."""
    place.mapping(SELECT_KEYS, required)
    if place.value == {}:
        place.complain(" is empty and would take any disk", f"name one or more of {', '.join(SELECT_KEYS)}")
    for key in SELECT_TEXTS:
        for text in place[key].items():
            text.text()
    for key in ("size_min", "size_max"):
        place[key].text(SIZE, required=False)
    place["rotational"].flag()


def tier_wishes(tiers: Reader) -> tuple[TierWish, ...]:
    """The tiers of one node: each a name, or a name with the number of its disks."""
    wishes = []
    for place in tiers.items():
        if isinstance(place.value, str):
            wishes.append(TierWish(place.value, None))
            continue
        place.mapping(("name", "count", "select"))
        name, count = place["name"].text(), place["count"].number()
        select(place["select"], required=False)
        if name:
            wishes.append(TierWish(name, count))
    return tuple(wishes)


def serials(wipe: Reader) -> tuple[str, ...]:
    """Serial numbers of disks that may be erased."""
    return tuple(serial for serial in (place.text(SERIAL) for place in wipe.items()) if serial)


def pools(places: Reader) -> tuple[str, ...]:
    """Mount points of a storage host's pools: each a path, or a path with the UUID of its file system."""
    found = []
    for place in places.items():
        if not isinstance(place.value, dict):
            found.append(place.text(PATH))
            continue
        place.mapping(POOL_KEYS)
        found.append(place["path"].text(PATH))
        filesystem = place["filesystem"].choice(POOL_FILESYSTEMS, required=False)
        uuid = place["uuid"].text(UUID, required=False)
        if filesystem == "zfs" and uuid:
            place.complain(" has a uuid and is of ZFS, which mounts its datasets itself", "remove the uuid")
        for option in place["options"].items():
            option.text()
    return tuple(path for path in found if path)


def exports(places: Reader) -> tuple[Export, ...]:
    """What a storage host exports: each a path, or a path with how it is exported."""
    found = []
    for place in places.items():
        if not isinstance(place.value, dict):
            path = place.text(PATH)
        else:
            place.mapping(EXPORT_KEYS)
            path = place["path"].text(PATH)
            for key in ("owner", "group"):
                place[key].number()
            place["mode"].text(MODE, required=False)
            place["squash"].choice(SQUASHES, required=False)
            place["nested"].flag()
        if path:
            found.append(Export(path))
    return tuple(found)
