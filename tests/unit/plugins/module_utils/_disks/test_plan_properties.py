# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every machine: hypothesis makes them up, the simulation carries the plans out.

HOMELAB_EXAMPLES=5000 makes more of them than the few of a normal run.
"""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks import judge
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.model import (
    Claim,
    Contents,
    Disk,
    FstabLine,
    Layout,
    Selector,
    Snapshot,
    Tier,
    Usage,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.plan import make_plan
from tests.unit.plugins.module_utils._disks.simulation import (
    GB,
    World,
    disk,
    holding,
    killed_within,
    mount_points,
    perform,
    signed,
)

EXAMPLES = int(os.environ.get("HOMELAB_EXAMPLES", "60"))
WRITES = ("erase", "claim", "format", "release")
SETTINGS = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

TRANSPORTS = {"nvme": "optane", "sas": "ssd", "sata": "bulk"}


@st.composite
def tiers(draw: st.DrawFn) -> list[Tier]:
    chosen = draw(st.lists(st.sampled_from(sorted(TRANSPORTS)), min_size=1, max_size=2, unique=True))
    return [
        Tier(
            name=TRANSPORTS[transport],
            count=draw(st.integers(1, 3)),
            select=Selector(transport=(transport,), size_min=draw(st.sampled_from([None, 50 * GB]))),
            mount=f"/mnt/{TRANSPORTS[transport]}-{{n}}",
            filesystem=draw(st.sampled_from(["ext4", "xfs"])),
            options=draw(st.sampled_from([(), ("noatime",)])),
            uid=draw(st.sampled_from([0, 1000])),
        )
        for transport in chosen
    ]


def foreign() -> st.SearchStrategy[Contents]:
    """Everything that belongs to somebody."""
    kinds = [
        "LVM2_member",
        "linux_raid_member",
        "crypto_LUKS",
        "zfs_member",
        "bcache",
        "ceph_bluestore",
        "gpt",
        "swap",
        "ntfs",
    ]
    unsigned = Contents(data_at=(8 * GB,))
    stolen = Contents(claim=Claim("optane-1", "u", "ext4", "ANOTHER-DISK"))
    overgrown = replace(signed("LVM2_member"), claim=Claim("optane-1", "u", "ext4", "S1"))
    used = replace(holding("ext4", "optane-1", "other"), claim=Claim("optane-1", "u", "ext4", "S1"))
    return st.one_of(
        st.sampled_from(kinds).map(signed),
        st.sampled_from([unsigned, stolen, overgrown, used]),
        st.builds(
            holding, st.sampled_from(["ext4", "xfs", "ext3", "btrfs"]), st.sampled_from(["", "photos", "media-1"])
        ),
    )


def of_tier(tier: Tier, label: str, serial: str) -> st.SearchStrategy[Contents]:
    """Everything that a run of ours can have left."""
    uuid = f"half-{serial}"
    claim = Claim(label, uuid, tier.filesystem, serial)
    half = holding(tier.filesystem, label, uuid, pristine=True)
    return st.sampled_from(
        [
            Contents(),
            holding(tier.filesystem, label, f"uuid-{serial}"),
            Contents(claim=claim),
            Contents(claim=claim, data_at=(4096,)),
            replace(half, claim=claim),
            replace(holding(tier.filesystem, label, uuid), claim=claim),
        ]
    )


@st.composite
def quiet_machine(draw: st.DrawFn, wanted: list[Tier]) -> tuple[list[Disk], set[str]]:
    """Each disk of a tier is blank, in its slot, unfinished, or named for erasure; so plans are carried out."""
    found, named = [], set()
    for tier in wanted:
        for slot in range(1, tier.count + 1):
            serial = f"S{len(found)}"
            fate = draw(st.integers(0, 15))
            if fate < 4:
                named.add(serial)
            # Now and then somebody forgot to name one.
            on = draw(foreign() if fate < 5 else of_tier(tier, tier.label(slot), serial))
            found.append(disk(serial, f"n{serial}", tier.select.transport[0], contents=on))
    found += [disk("LAST", "nLAST", "usb", contents=draw(foreign()))]
    return found, named


@st.composite
def wild_machine(draw: st.DrawFn, wanted: list[Tier]) -> tuple[list[Disk], set[str]]:
    """Too many or too few disks, wrong labels, disks in use, broken ones, shared serials."""
    found: list[Disk] = []
    for tier in wanted:
        for _ in range(max(0, tier.count + draw(st.sampled_from([0, 0, 0, -1, 1])))):
            found.append(draw(wild_disk(f"S{len(found)}", tier, tier.select.transport[0])))
    for _ in range(draw(st.integers(0, 2))):
        found.append(draw(wild_disk(f"S{len(found)}", None, draw(st.sampled_from([*TRANSPORTS, "usb", "loop"])))))
    if len(found) > 1 and draw(st.integers(0, 9)) == 0:
        found[-1] = replace(found[-1], serial=found[0].serial)
    named = draw(st.sets(st.sampled_from([member.serial for member in found] or ["none"]), max_size=3))
    return found, named


@st.composite
def wild_disk(draw: st.DrawFn, serial: str, tier: Tier | None, transport: str) -> Disk:
    choices = [foreign(), st.just(Contents())]
    if tier is not None:
        label = tier.label(draw(st.integers(1, tier.count + 1)))
        choices += [
            of_tier(tier, label, serial),
            st.just(holding("ext4" if tier.filesystem == "xfs" else "xfs", label)),
        ]
    made = disk(serial, f"n{serial}", transport, contents=draw(st.one_of(choices)))
    trouble = draw(st.integers(0, 9))
    if trouble == 0:
        usage = [Usage(mounts=("/",), system=True), Usage(swaps=("x",)), Usage(holders=("md0",)), Usage(busy=True)]
        return replace(made, usage=draw(st.sampled_from(usage)))
    if trouble == 1:
        broken = [
            {"read_only": True},
            {"failing": "worn out"},
            {"serial": ""},
            {"size": 8_000_000},
            {"unreadable": "EIO"},
            {"partitions": ("p1",)},
        ]
        return replace(made, **draw(st.sampled_from(broken)))
    return made


@st.composite
def machines(draw: st.DrawFn) -> tuple[Snapshot, Layout]:
    wanted = draw(tiers())
    found, named = draw(draw(st.sampled_from([quiet_machine, wild_machine]))(wanted))
    layout = Layout(tuple(wanted), frozenset(named))
    fstab = (
        FstabLine("# by hand"),
        FstabLine("/dev/sda1 / ext4 defaults 0 1", "/dev/sda1", "/", "ext4", ("defaults",)),
    )
    return Snapshot(tuple(found), mount_points(layout), fstab), layout


def precious(found: Disk) -> bool:
    """Somebody could miss what is on it. Said anew here, and not asked of the code that is tested."""
    on = found.contents
    if found.partitions:
        return True
    if on == Contents():
        return False
    if on.claim is None or on.claim.serial != found.serial:
        return True
    if on.filesystem is None:
        return bool(on.signatures) or not on.head_blank
    alone = [mark.kind for mark in on.signatures] == [on.filesystem.kind]
    return not (alone and on.filesystem.pristine and on.filesystem.uuid == on.claim.uuid)


@SETTINGS
@given(machines())
def test_no_plan_writes_to_a_disk_that_is_neither_blank_nor_named(machine: tuple[Snapshot, Layout]) -> None:
    snapshot, layout = machine
    plan = make_plan(snapshot, layout)
    event("refused" if plan.refusals else "planned" if plan.actions else "nothing to do")
    assert not (plan.refusals and plan.actions)
    serials = [found.serial for found in snapshot.disks]
    for action in plan.actions:
        found = action.disk
        if action.kind in WRITES:
            assert found in snapshot.disks
            assert not judge.in_use(found)
            assert not (found.read_only or found.unreadable)
            assert serials.count(found.serial) == 1
        if action.kind in ("erase", "claim", "format"):
            assert not precious(found) or found.serial in layout.wipe
            assert found.serial
            assert not found.failing
        if action.kind == "erase":
            assert found.serial in layout.wipe


@SETTINGS
@given(machines(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(machine: tuple[Snapshot, Layout], random: object) -> None:
    snapshot, layout = machine
    shuffled, tiers_again = list(snapshot.disks), list(layout.tiers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    random.shuffle(tiers_again)  # type: ignore[attr-defined]
    again = make_plan(replace(snapshot, disks=tuple(shuffled)), replace(layout, tiers=tuple(tiers_again)))
    assert again == make_plan(snapshot, layout)


@SETTINGS
@given(machines())
def test_a_plan_carried_out_leaves_nothing_to_do(machine: tuple[Snapshot, Layout]) -> None:
    snapshot, layout = machine
    plan = make_plan(snapshot, layout)
    end = run(World(snapshot), plan.actions, layout)
    after = make_plan(end.snapshot, layout)
    if not plan.refusals:
        assert (after.actions, after.refusals, after.volumes) == ((), (), plan.volumes)
        assert after.missing == plan.missing


@SETTINGS
@given(machines())
def test_a_run_that_was_killed_anywhere_is_continued_to_the_same_end(machine: tuple[Snapshot, Layout]) -> None:
    snapshot, layout = machine
    plan = make_plan(snapshot, layout)
    end = run(World(snapshot), plan.actions, layout)
    world = World(snapshot)
    for action in plan.actions:
        for killed in (world, *killed_within(world, action)):
            rest = make_plan(killed.snapshot, layout)
            assert rest.refusals == ()
            assert rest.volumes == plan.volumes
            assert run(killed, rest.actions, layout).snapshot == end.snapshot
        world = perform(world, action)


def run(world: World, actions: tuple[object, ...], layout: Layout) -> World:
    for action in actions:
        world = perform(world, action)  # type: ignore[arg-type]
    return world
