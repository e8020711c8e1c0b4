# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner, as tables: what is found, what is wanted, what is done or why it is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.fstab import line_for, parse_fstab
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.locate import volume_uuid
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.model import (
    Claim,
    Contents,
    Disk,
    Layout,
    MountPoint,
    Plan,
    Selector,
    Signature,
    Snapshot,
    Tier,
    Usage,
    Volume,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.plan import make_plan
from tests.unit.plugins.module_utils._disks.simulation import GB, World, disk, holding, mount_points, perform, signed

OPTANE = Tier("optane", 2, Selector(transport=("nvme",)), "/mnt/optane-{n}", options=("noatime",))
NEW = ["claim", "format", "release", "directory", "fstab", "mount", "owner"]
KEEP = ["directory", "fstab", "mount", "owner"]

MADE = holding("ext4", "optane-1", "11111111-2222-3333-4444-555555555555")
CLAIM = Claim("optane-1", volume_uuid("S1", "optane-1"), "ext4", "S1")
MADE_AND_CLAIMED = replace(holding("ext4", "optane-1", CLAIM.uuid), claim=CLAIM)
GPT = Signature("gpt", "whole disk")
HALF = replace(holding("ext4", "optane-1", CLAIM.uuid, pristine=True), claim=CLAIM)


def plan(
    *disks: Disk, tier: Tier = OPTANE, wipe: str = "", fstab: str = "", places: tuple[MountPoint, ...] = ()
) -> Plan:
    layout = Layout((tier,), frozenset(wipe.split()))
    known = {place.path: place for place in (*mount_points(layout), *places)}
    return make_plan(Snapshot(disks, tuple(known.values()), parse_fstab(fstab)), layout)


def steps(made: Plan, label: str) -> list[str]:
    return [action.kind for action in made.actions if action.target == label]


def refused(made: Plan) -> str:
    assert not made.actions
    return "\n".join(refusal.message for refusal in made.refusals)


ONE = replace(OPTANE, count=1)

# One case for each row of the table in docs/disks.md: name, disk, serials under wipe, steps or a part of the refusal.
TRUTH = [
    ("matches", disk("S1", contents=MADE), "", KEEP),
    ("matches, named under wipe", disk("S1", contents=MADE), "S1", KEEP),
    ("in use", disk("S1", usage=Usage(mounts=("/srv",))), "", "is mounted at /srv; unmount it"),
    ("in use, named under wipe", disk("S1", usage=Usage(mounts=("/srv",))), "S1", "is mounted at /srv; unmount it"),
    ("only claimed", disk("S1", contents=Contents(claim=CLAIM)), "", NEW[1:]),
    ("mkfs killed", disk("S1", contents=Contents(claim=CLAIM, data_at=(4096,))), "", NEW[1:]),
    ("mkfs done, still claimed", disk("S1", contents=HALF), "S1", NEW[1:]),
    ("mounted since, still claimed", disk("S1", contents=MADE_AND_CLAIMED), "S1", ["release", *KEEP]),
    ("blank", disk("S1"), "", NEW),
    ("blank, named under wipe", disk("S1"), "S1", NEW),
    ("foreign", disk("S1", contents=signed("LVM2_member")), "", "list its serial 'S1' under wipe to erase it"),
    ("foreign, named under wipe", disk("S1", contents=signed("LVM2_member")), "S1", ["erase", *NEW]),
]


@pytest.mark.parametrize(("_name", "found", "wipe", "expected"), TRUTH, ids=[row[0] for row in TRUTH])
def test_plan_follows_the_truth_table(_name: str, found: Disk, wipe: str, expected: list[str] | str) -> None:
    made = plan(found, tier=ONE, wipe=wipe)
    if isinstance(expected, str):
        assert expected in refused(made)
    else:
        assert steps(made, "optane-1") == expected


FOREIGN = [
    ("a signature", signed("zfs_member"), "holds zfs_member, where a blank disk for optane-1 is wanted"),
    ("data without one", Contents(data_at=(8192,)), "holds data without a known signature, first at byte 8192"),
    ("another label", holding("ext4", "photos"), "holds ext4 'photos'"),
    ("the other kind", holding("xfs", "optane-1"), "set filesystem to xfs to keep it, or"),
    (
        "more than its file system",
        replace(MADE, signatures=(*MADE.signatures, GPT)),
        "holds ext4 'optane-1', gpt, where",
    ),
    (
        "an unfinished one without claim",
        replace(HALF, claim=None, signatures=(GPT,)),
        "holds gpt",
    ),
    (
        "a claim copied from another disk",
        Contents(claim=replace(CLAIM, serial="S9")),
        "our claim for optane-1 (disk serial S9)",
    ),
    ("a claim, used since", Contents(claim=CLAIM, data_at=(0,), head_blank=False), "our claim for optane-1"),
    ("a claim, then LVM", replace(signed("LVM2_member"), claim=CLAIM), "holds LVM2_member"),
    ("a claim, then another file system", replace(holding("ext4", "x", "y"), claim=CLAIM), "holds ext4 'x'"),
]


@pytest.mark.parametrize(("_name", "contents", "message"), FOREIGN, ids=[row[0] for row in FOREIGN])
def test_plan_refuses_a_disk_that_holds(_name: str, contents: Contents, message: str) -> None:
    assert message in refused(plan(disk("S1", contents=contents), tier=ONE))
    assert steps(plan(disk("S1", contents=contents), tier=ONE, wipe="S1"), "optane-1") == ["erase", *NEW]


OBSTACLES = [
    ({"usage": Usage(system=True, mounts=("/",))}, "is the system disk"),
    ({"usage": Usage(swaps=("nvme0n1p2",))}, "is used as swap (nvme0n1p2)"),
    ({"usage": Usage(holders=("LVM volume vg-root",))}, "is held by LVM volume vg-root"),
    ({"usage": Usage(holders=("md array md127",))}, "is held by md array md127"),
    ({"usage": Usage(holders=("multipath map mpatha",))}, "is held by multipath map mpatha"),
    ({"usage": Usage(busy=True)}, "is opened exclusively by another program"),
    ({"read_only": True}, "is read-only"),
    ({"failing": "media is read-only"}, "reports that it is failing (media is read-only); replace it"),
    ({"size": 9_000_000}, "is too small: 9.0 MB, and the tier needs more than 17 MB"),
    ({"unreadable": "Input/output error"}, "could not be read (Input/output error)"),
    ({"serial": ""}, "has no serial number"),
]


@pytest.mark.parametrize(("facts", "message"), OBSTACLES, ids=[row[1] for row in OBSTACLES])
def test_plan_refuses_what_no_wipe_can_allow(facts: dict[str, object], message: str) -> None:
    assert message in refused(plan(replace(disk("S1"), **facts), tier=ONE, wipe="S1"))


def test_plan_refuses_two_disks_with_one_serial() -> None:
    made = plan(disk("S1", "sda"), disk("S1", "sdb"))
    assert refused(made).count("has the serial of another disk (sda, sdb)") == 2


def test_plan_refuses_a_disk_that_the_reserve_would_fill() -> None:
    assert "the tier needs more than 200 GB" in refused(plan(disk("S1"), tier=replace(ONE, reserve=200 * GB)))


def test_plan_erases_only_the_disk_that_is_named() -> None:
    found = (disk("S1", contents=signed("swap")), disk("S2", contents=signed("gpt")))
    text = refused(plan(*found, wipe="S1"))
    assert "list its serial 'S2' under wipe" in text
    assert "S1" not in text
    assert "list its serial 'S1' under wipe" in refused(plan(*found, wipe="S"))


def test_plan_gives_all_reasons_at_once() -> None:
    made = plan(disk("S1", contents=signed("swap")), disk("S2", read_only=True), disk("S3", usage=Usage(busy=True)))
    text = refused(made)
    for part in ("holds swap", "is read-only", "is opened exclusively", "2 disks are expected and 3 match"):
        assert part in text


def test_plan_refuses_fewer_disks_and_names_those_that_nearly_match() -> None:
    tier = replace(OPTANE, select=replace(OPTANE.select, size_min=100 * GB))
    text = refused(plan(disk("S1"), disk("S2", size=50 * GB), tier=tier))
    assert "2 disks are expected and 1 match: OPTANE (serial S1, now disk-S1)" in text
    assert "Nearly: OPTANE (serial S2, now disk-S2): it is too small, 50 GB where at least 100 GB is wanted." in text


def test_plan_refuses_a_disk_that_two_tiers_select() -> None:
    other = Tier("any", 1, Selector(model=("opt*",)), "/mnt/any")
    made = make_plan(Snapshot((disk("S1"),)), Layout((ONE, other)))
    assert "is selected by tiers any, optane; narrow their select" in refused(made)


def test_plan_numbers_blank_disks_by_serial() -> None:
    made = plan(disk("B", "nvme0n1"), disk("A", "nvme1n1"))
    assert [(volume.label, volume.serial) for volume in made.volumes] == [("optane-1", "A"), ("optane-2", "B")]


def test_plan_goes_by_the_label_whatever_the_serial_or_device() -> None:
    found = (disk("A", contents=holding("ext4", "optane-2")), disk("B", contents=holding("ext4", "optane-1")))
    assert [(volume.label, volume.serial) for volume in plan(*found).volumes] == [("optane-1", "B"), ("optane-2", "A")]


def test_plan_names_a_missing_disk_and_leaves_the_others_alone() -> None:
    world = World(Snapshot((disk("A"), disk("B")), mount_points(Layout((OPTANE,)))))
    for action in make_plan(world.snapshot, Layout((OPTANE,))).actions:
        world = perform(world, action)
    left = replace(world.snapshot, disks=world.snapshot.disks[:1])
    left = replace(left, mount_points=(left.mount_points[0], MountPoint("/mnt/optane-2", "directory", 0, True)))
    made = make_plan(left, Layout((OPTANE,)))
    assert (made.actions, made.refusals) == ((), ())
    [missing] = made.missing
    assert missing.message == (
        f"tier 'optane' slot 2: the disk of optane-2 (UUID={volume_uuid('B', 'optane-2')}) is not in this machine, so "
        "/mnt/optane-2 stays empty; put it back, or put in a blank disk that matches select."
    )
    blank = make_plan(replace(left, disks=(*left.disks, disk("C"))), Layout((OPTANE,)))
    assert [action.target for action in blank.actions] == ["optane-2"] * 6
    assert "directory" not in steps(blank, "optane-2")
    full = make_plan(replace(left, disks=(*left.disks, disk("C", contents=signed("gpt")))), Layout((OPTANE,)))
    assert "holds gpt, where a blank disk for optane-2 is wanted" in refused(full)


def test_plan_says_which_slot_is_missing_after_the_system_was_installed_anew() -> None:
    made = plan(disk("A", contents=holding("ext4", "optane-2")))
    assert [missing.slot for missing in made.missing] == [1]
    assert steps(made, "optane-2") == KEEP


def test_plan_refuses_a_label_beyond_the_count() -> None:
    assert "is optane-3, beyond the count of 2" in refused(
        plan(disk("A", contents=holding("ext4", "optane-3")), disk("B"))
    )


def test_plan_refuses_one_label_on_two_disks_unless_one_is_named() -> None:
    found = (disk("A", contents=MADE), disk("B", contents=replace(MADE)))
    text = refused(plan(*found))
    assert "both carry optane-1; relabel the one that is the copy" in text
    assert f"has the file system UUID of optane-1 ({MADE.filesystem.uuid if MADE.filesystem else ''})" in text
    made = plan(*found, wipe="A")
    assert (steps(made, "optane-1"), steps(made, "optane-2")) == (KEEP, ["erase", *NEW])
    assert made.actions[0].kind == "erase"
    assert "both carry optane-1" in refused(plan(*found, wipe="A B"))


def test_plan_erases_a_named_disk_with_a_label_beyond_the_count() -> None:
    made = plan(disk("A", contents=holding("ext4", "optane-3")), disk("B", contents=MADE), wipe="A")
    assert (steps(made, "optane-1"), steps(made, "optane-2")) == (KEEP, ["erase", *NEW])


def test_plan_refuses_our_label_on_a_disk_of_another_kind() -> None:
    stick = disk("U", transport="usb", contents=holding("ext4", "optane-2"))
    text = refused(plan(disk("A", contents=MADE), disk("B"), stick))
    assert "carries the label optane-2 but is not of this tier: its transport is 'usb'" in text


def test_plan_takes_a_loop_device_only_when_asked() -> None:
    tier = replace(ONE, select=Selector(serial=("L*",)))
    assert "it is a loop device" in refused(plan(disk("L1", transport="loop"), tier=tier))
    tier = replace(ONE, select=Selector(serial=("L*",), transport=("loop",)))
    assert steps(plan(disk("L1", transport="loop"), tier=tier), "optane-1") == NEW


PLACES = [
    (MountPoint("/mnt/optane-1", kind="other"), "/mnt/optane-1 is not a plain directory"),
    (MountPoint("/mnt/optane-1", "directory", entries=3), "/mnt/optane-1 has 3 entries of its own"),
    (MountPoint("/mnt/optane-1", "directory", mounted="8:1"), "/mnt/optane-1 has something else mounted"),
]


@pytest.mark.parametrize(("place", "message"), PLACES, ids=[row[1] for row in PLACES])
def test_plan_refuses_a_mount_point_that_is(place: MountPoint, message: str) -> None:
    assert message in refused(plan(disk("S1"), tier=ONE, places=(place,)))
    assert message in refused(plan(disk("S1", contents=MADE), tier=ONE, places=(place,)))


def test_plan_refuses_lines_of_others_in_fstab() -> None:
    text = refused(plan(disk("S1", contents=MADE), tier=ONE, fstab="/dev/sdb1 /mnt/optane-1 ext4 defaults 0 2\n"))
    assert "/etc/fstab already mounts /dev/sdb1 at /mnt/optane-1, where optane-1 is wanted" in text
    text = refused(plan(disk("S1", contents=MADE), tier=ONE, fstab="LABEL=optane-1 /srv ext4 defaults 0 2\n"))
    assert "/etc/fstab already mounts LABEL=optane-1 at /srv" in text


def test_plan_refuses_to_move_a_mounted_file_system() -> None:
    found = disk("S1", contents=MADE, usage=Usage(mounts=("/srv",), busy=True))
    assert "is mounted at /srv; unmount it" in refused(plan(found, tier=ONE))


def test_plan_mends_options_and_owner_of_a_mounted_file_system() -> None:
    found = disk("S1", contents=MADE, usage=Usage(mounts=("/mnt/optane-1",), busy=True))
    place = MountPoint("/mnt/optane-1", "directory", mounted=found.number, mount_options=("rw", "relatime"), uid=7)
    line = line_for(Volume(ONE, 1, "S1", "11111111-2222-3333-4444-555555555555")).raw
    assert steps(plan(found, tier=ONE, fstab=line, places=(place,)), "optane-1") == ["remount", "owner"]
    place = replace(place, uid=0, mount_options=("rw", "noatime"))
    assert steps(plan(found, tier=ONE, fstab=line, places=(place,)), "optane-1") == []


def test_plan_warns_of_a_failing_disk_that_is_in_service() -> None:
    [warning] = plan(disk("S1", contents=MADE, failing="spare space is low"), tier=ONE).warnings
    assert warning.startswith(
        "optane-1: OPTANE (serial S1, now disk-S1) reports that it is failing (spare space is low)"
    )


def test_plan_warns_of_serials_that_need_not_be_listed() -> None:
    found = (disk("S1", contents=MADE), disk("USB", transport="usb", contents=signed("vfat")))
    assert plan(*found, tier=ONE, wipe="S1 USB GONE").warnings == (
        "wipe: no disk here has the serial GONE; take it off the list, or check it for a slip.",
        "wipe: S1 is optane-1 and is not erased; take its serial off the list.",
        "wipe: no tier selects the disk with serial USB, so it is left alone; take its serial off the list.",
    )
