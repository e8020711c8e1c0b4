# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.errors import LayoutError
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.model import Layout, Selector, Tier
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.wanted import parse_layout, parse_size


def numbers(name: str) -> int:
    return {"root": 0, "josh": 1000}[name]


def tier(**options: Any) -> dict[str, Any]:
    return {"name": "optane", "count": 2, "select": {"transport": ["nvme"]}, "mount": "/mnt/optane-{n}", **options}


def parse(*tiers: dict[str, Any], wipe: tuple[str, ...] = ()) -> Layout:
    return parse_layout(tiers, wipe, numbers, numbers)


def mistakes(*tiers: dict[str, Any], wipe: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(LayoutError) as error:
        parse(*tiers, wipe=wipe)
    return error.value.mistakes


SIZES = [("110GB", 110 * 10**9), ("1.5 TB", 1500 * 10**9), ("5GiB", 5 * 2**30), ("512", 512), ("2 tib", 2 * 2**40)]


@pytest.mark.parametrize(("text", "size"), SIZES)
def test_sizes_are_read_in_decimal_and_binary_units(text: str, size: int) -> None:
    assert parse_size(text) == size


def test_a_layout_is_read_with_its_defaults() -> None:
    select = {"transport": ["sas"], "rotational": False, "size_min": "300GB", "size_max": "400GB"}
    ssd = tier(name="ssd", select=select, mount="/mnt/ssd-{n}", filesystem="xfs", owner="josh", reserve="10GiB")
    assert parse(tier(), ssd, wipe=("S5GX",)) == Layout(
        (
            Tier("optane", 2, Selector(transport=("nvme",)), "/mnt/optane-{n}"),
            Tier(
                "ssd",
                2,
                Selector(transport=("sas",), rotational=False, size_min=300 * 10**9, size_max=400 * 10**9),
                "/mnt/ssd-{n}",
                "xfs",
                uid=1000,
                reserve=10 * 2**30,
            ),
        ),
        frozenset({"S5GX"}),
    )


@pytest.mark.parametrize(
    "device",
    [
        "/dev/sda",
        "/dev/disk/by-id/nvme-x",
        "sda",
        "sdb1",
        "nvme0n1",
        "nvme0n1p3",
        "vda",
        "xvdb",
        "hda",
        "mmcblk0",
        "loop3",
        "dm-0",
    ],
)
@pytest.mark.parametrize("key", ["serial", "wwn", "model", "vendor"])
def test_a_selector_that_names_a_device_is_refused(key: str, device: str) -> None:
    [mistake] = mistakes(tier(select={key: [device]}))
    assert f"select.{key} names the device '{device}', which may be another disk after the next boot" in mistake


def test_a_wipe_that_names_a_device_is_refused() -> None:
    assert mistakes(tier(), wipe=("/dev/sda", "")) == [
        "wipe: '/dev/sda' is not a serial number; name the disk by the serial that disk_info shows.",
        "wipe: '' is not a serial number; name the disk by the serial that disk_info shows.",
    ]


WRONG = [
    ({"select": {}}, "select is empty and would take any disk"),
    ({"select": {"model": ["*"]}}, "select.model '*' matches every disk"),
    ({"select": {"size_min": "big"}}, "select.size_min: 'big' is no size"),
    ({"select": {"size_min": "2TB", "size_max": "1TB"}}, "select.size_min is above select.size_max"),
    ({"name": "Optane"}, "use lower-case letters, digits and single dashes"),
    ({"name": "a-very-long-tier-name"}, "is longer than the 16 characters ext4 allows"),
    ({"name": "optane-disks", "filesystem": "xfs"}, "is longer than the 12 characters xfs allows"),
    ({"count": 0}, "count is 0; say how many disks are expected, 1 to 999"),
    ({"mount": "/mnt/optane"}, "is one place for 2 disks; put {n}"),
    ({"mount": "mnt/{n}"}, "must be an absolute path"),
    ({"mount": "/mnt/../etc/{n}"}, "must be an absolute path without '..'"),
    ({"mount": "/mnt/my disks/{n}"}, "must be an absolute path without '..', spaces"),
    ({"mount": "/mnt/{slot}/{n}"}, "any braces but {n}"),
    ({"mount": "/var/lib/kubelet/{n}"}, "lies in a directory the system needs"),
    ({"mount": "/", "count": 1}, "lies in a directory the system needs"),
    ({"options": ["noatime,nodev"]}, "mount option 'noatime,nodev' has characters /etc/fstab cannot hold"),
    ({"mode": "rwx"}, "mode: 'rwx' is no file mode"),
    ({"owner": "nobody-here"}, "owner: nobody-here."),
    ({"reserve": "much"}, "reserve: 'much' is no size"),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=[row[1] for row in WRONG])
def test_a_layout_that_cannot_be_right_is_refused(options: dict[str, Any], message: str) -> None:
    assert any(message in mistake for mistake in mistakes(tier(**options)))


def test_all_mistakes_are_told_at_once() -> None:
    assert len(mistakes(tier(count=0, mode="x"), tier(name="B", select={}), wipe=("sda",))) == 5


def test_clashes_between_tiers_are_refused() -> None:
    assert mistakes(tier(), tier()) == ["tier 'optane' is there 2 times; give each tier its own name."]
    same_place = mistakes(tier(), tier(name="nvme"))
    assert same_place[0] == "nvme-1 and optane-1 both want mount point /mnt/optane-1; give each its own."
    inside = mistakes(tier(), tier(name="nvme", mount="/mnt/optane-1/nvme-{n}"))
    assert inside[0].startswith("nvme-1 would be mounted at /mnt/optane-1/nvme-1, inside /mnt/optane-1")
    # Label a-1 is a slot of the first, label a-1-1 one of the second.
    assert len(parse(tier(name="a", mount="/mnt/a-{n}"), tier(name="a-1", count=1, mount="/mnt/b")).tiers) == 2
