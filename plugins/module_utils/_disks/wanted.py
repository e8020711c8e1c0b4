# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: read and check the wanted layout, before any machine is looked at."""

from __future__ import annotations

import functools
import os.path
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .errors import LayoutError, raise_all
from .model import Layout, Selector, Tier

UNITS = {"": 1, "B": 1}
for power, letter in enumerate("KMGTP", start=1):
    UNITS[f"{letter}B"] = 1000**power
    UNITS[f"{letter}IB"] = 1024**power

# More than any one machine holds; a slip of the finger should not be worked on.
MOST_DISKS = 999

LONGEST_LABEL = {"ext4": 16, "xfs": 12}

# Kernel names and anything below /dev change with slots and boots, so they must never choose a disk.
DEVICE_NAME = re.compile(
    r"/dev/|^(sd[a-z]+|vd[a-z]+|xvd[a-z]+|hd[a-z]+|nvme\d+n\d+|nvme\d+|mmcblk\d+|loop\d+|dm-\d+|md\d+)(p?\d+)?$"
)

TIER_NAME = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")

# The kubelet's own tree and the system's; a tier mounted there would hide or be deleted with it.
FORBIDDEN = ("/boot", "/dev", "/etc", "/proc", "/run", "/sys", "/usr", "/bin", "/sbin", "/lib", "/var/lib/kubelet")


def parse_size(text: str) -> int:
    """Bytes in '110 GB' or '2TiB'; ValueError when it is no size."""
    match = re.match(r"^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$", text)
    if match is None or match.group(2).upper() not in UNITS:
        raise ValueError(f"'{text}' is no size; write a number with a unit such as 110GB or 2TiB")
    return int(float(match.group(1)) * UNITS[match.group(2).upper()])


def parse_layout(
    tiers: Iterable[Mapping[str, Any]],
    wipe: Iterable[str],
    user_id: Callable[[str], int],
    group_id: Callable[[str], int],
) -> Layout:
    """The layout in our own terms; raises LayoutError with every mistake in it."""
    mistakes: list[str] = []
    parsed = []
    for raw in tiers:
        try:
            parsed.append(_tier(raw, user_id, group_id))
        except LayoutError as error:
            mistakes += error.mistakes
    serials = list(wipe)
    for serial in serials:
        if not serial.strip() or DEVICE_NAME.search(serial):
            mistakes.append(
                f"wipe: '{serial}' is not a serial number; name the disk by the serial that disk_info shows."
            )
    raise_all(mistakes + _clashes(parsed))
    return Layout(tuple(sorted(parsed, key=lambda tier: tier.name)), frozenset(serials))


def _tier(raw: Mapping[str, Any], user_id: Callable[[str], int], group_id: Callable[[str], int]) -> Tier:
    name = str(raw["name"])
    mistakes: list[str] = []

    def attempt(what: str, read: Callable[[], int]) -> int:
        try:
            return read()
        except (ValueError, KeyError) as error:
            mistakes.append(f"tier '{name}': {what}: {error.args[0]}.")
            return 0

    options = tuple(raw.get("options") or ())
    tier = Tier(
        name=name,
        count=int(raw["count"]),
        select=_selector(name, raw["select"], mistakes, attempt),
        mount=str(raw["mount"]),
        filesystem=str(raw.get("filesystem") or "ext4"),
        options=options,
        uid=attempt("owner", lambda: user_id(str(raw.get("owner") or "root"))),
        gid=attempt("group", lambda: group_id(str(raw.get("group") or "root"))),
        mode=attempt("mode", lambda: _mode(str(raw.get("mode") or "0755"))),
        reserve=attempt("reserve", lambda: parse_size(str(raw.get("reserve") or "0"))),
    )
    raise_all(mistakes + _tier_mistakes(tier))
    return tier


def _mode(text: str) -> int:
    if not re.match(r"^[0-7]{3,4}$", text):
        raise ValueError(f"'{text}' is no file mode; write it in octal and quoted, such as '0755'")
    return int(text, 8)


def _selector(
    name: str, raw: Mapping[str, Any], mistakes: list[str], attempt: Callable[[str, Callable[[], int]], int]
) -> Selector:
    texts: dict[str, tuple[str, ...]] = {}
    for key in ("transport", "vendor", "model", "serial", "wwn", "pci_id"):
        texts[key] = tuple(str(value) for value in raw.get(key) or ())
        for value in texts[key]:
            if DEVICE_NAME.search(value):
                mistakes.append(
                    f"tier '{name}': select.{key} names the device '{value}', which may be another disk after the "
                    "next boot; "
                    "choose by what the disk itself says, such as its serial."
                )
            if not value.strip("*? "):
                mistakes.append(
                    f"tier '{name}': select.{key} '{value}' matches every disk; leave the key out or say what it "
                    "must be."
                )
    sizes: dict[str, int | None] = {}
    for key in ("size_min", "size_max"):
        text = str(raw.get(key) or "")
        sizes[key] = attempt(f"select.{key}", functools.partial(parse_size, text)) if text else None
    low, high = sizes["size_min"], sizes["size_max"]
    if low is not None and high is not None and low > high:
        mistakes.append(f"tier '{name}': select.size_min is above select.size_max, so no disk can match; swap them.")
    selector = Selector(rotational=raw.get("rotational"), size_min=low, size_max=high, **texts)
    if selector == Selector():
        mistakes.append(
            f"tier '{name}': select is empty and would take any disk; name at least one fact, such as transport "
            "or model."
        )
    return selector


def _tier_mistakes(tier: Tier) -> list[str]:
    mistakes = []
    where = f"tier '{tier.name}'"
    if not TIER_NAME.match(tier.name):
        mistakes.append(
            f"{where}: the name becomes a file system label, so use lower-case letters, digits and single dashes."
        )
    if not 1 <= tier.count <= MOST_DISKS:
        mistakes.append(f"{where}: count is {tier.count}; say how many disks are expected, 1 to {MOST_DISKS}.")
    longest = LONGEST_LABEL[tier.filesystem]
    if len(tier.label(max(tier.count, 1))) > longest:
        mistakes.append(
            f"{where}: label '{tier.label(tier.count)}' is longer than the {longest} characters {tier.filesystem} "
            "allows; shorten the name."
        )
    for option in tier.options:
        if not re.match(r"^[A-Za-z0-9_.:=/@%+-]+$", option):
            mistakes.append(
                f"{where}: mount option '{option}' has characters /etc/fstab cannot hold; give one option per item."
            )
    return mistakes + _mount_mistakes(tier)


def _mount_mistakes(tier: Tier) -> list[str]:
    mount, where = tier.mount, f"tier '{tier.name}': mount '{tier.mount}'"
    if (
        re.search(r"\s|\\|[{}]", mount.replace("{n}", ""))
        or mount != os.path.normpath(mount)
        or not mount.startswith("/")
    ):
        return [f"{where} must be an absolute path without '..', spaces, backslashes or any braces but {{n}}."]
    if tier.count > 1 and "{n}" not in mount:
        return [f"{where} is one place for {tier.count} disks; put {{n}} where the slot's number belongs."]
    if mount == "/" or any(mount == top or mount.startswith(top + "/") for top in FORBIDDEN):
        return [f"{where} lies in a directory the system needs; choose one below /mnt or /srv."]
    return []


def _clashes(tiers: Sequence[Tier]) -> list[str]:
    """Two tiers with one name, label or mount point, or a mount point inside another's."""
    mistakes = []
    names = [tier.name for tier in tiers]
    for name in sorted({name for name in names if names.count(name) > 1}):
        mistakes.append(f"tier '{name}' is there {names.count(name)} times; give each tier its own name.")
    slots = [(tier.mount_at(slot), tier.label(slot)) for tier in tiers for slot in range(1, tier.count + 1)]
    labels: dict[str, str] = {}
    places: dict[str, str] = {}
    for path, label in sorted(slots):
        if labels.setdefault(label, path) != path:
            mistakes.append(f"{label} would be at {labels[label]} and at {path}; rename one of the tiers.")
        if places.setdefault(path, label) != label:
            mistakes.append(f"{places[path]} and {label} both want mount point {path}; give each its own.")
    for path, label in sorted(slots):
        for parent in sorted(places.keys() & set(_parents(path))):
            mistakes.append(f"{label} would be mounted at {path}, inside {parent}, a mount point too; keep them apart.")
    return mistakes


def _parents(path: str) -> Iterable[str]:
    while path != "/":
        path = os.path.dirname(path)
        yield path
