# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disks Longhorn gets, keeps and loses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._longhorn.disks import (
    FoundDisk,
    FoundNode,
    LocalVolume,
    WantedDisk,
    WantedNode,
    difference,
    plan,
    to_come,
)

ONE = WantedDisk("optane-1", "/mnt/optane-1", ("optane",), 5)
TWO = WantedDisk("optane-2", "/mnt/optane-2", ("optane",), 5)
CONFIG = [
    {"name": "optane-1", "path": "/mnt/optane-1", "allowScheduling": True, "storageReserved": 5, "tags": ["optane"]},
    {"name": "optane-2", "path": "/mnt/optane-2", "allowScheduling": True, "storageReserved": 5, "tags": ["optane"]},
]
WANTED = WantedNode("k3s3", (ONE, TWO))
ANNOUNCED = FoundNode("k3s3", "config", CONFIG)
KNOWN = (
    FoundDisk("optane-1", "/mnt/optane-1", ("optane",), 5),
    FoundDisk("optane-2", "/mnt/optane-2/", ("optane",), 5),
)
SEEN = replace(ANNOUNCED, seen=True, disks=KNOWN)
OTHER = FoundDisk("default-disk-1", "/var/lib/longhorn", scheduling=False, evicting=True)


def run(found: FoundNode, wanted: WantedNode = WANTED, *volumes: LocalVolume) -> Any:
    return plan([wanted], {found.name: found}, volumes)


@pytest.mark.parametrize("found", [ANNOUNCED, SEEN], ids=["not yet seen", "seen"])
def test_a_node_that_is_right_is_left_alone(found: FoundNode) -> None:
    assert run(found) == plan([], {}, [])


@pytest.mark.parametrize(
    "found",
    [
        FoundNode("k3s3"),
        FoundNode("k3s3", "true"),
        FoundNode("k3s3", "config"),
        FoundNode("k3s3", None, CONFIG),
        FoundNode("k3s3", "config", CONFIG[:1]),
        FoundNode("k3s3", "config", "nonsense"),
    ],
)
def test_disks_are_announced_whatever_was_there(found: FoundNode) -> None:
    (action,) = run(found).actions
    assert (action.kind, action.label, list(action.config)) == ("label_node", "config", CONFIG)
    assert action.sentence == "k3s3: announce optane-1 at /mnt/optane-1, optane-2 at /mnt/optane-2 to Longhorn"
    after = "".join(
        f"announced: k3s3 disk {name} at /mnt/{name}, reserved 5, tags optane\n" for name in ("optane-1", "optane-2")
    )
    assert difference([action], {"k3s3": found})["after"] == after


def test_a_node_without_disks_announces_none_any_more() -> None:
    (action,) = run(ANNOUNCED, WantedNode("k3s3", ())).actions
    assert (action.label, action.config) == (None, None)
    assert run(FoundNode("k3s3", "true"), WantedNode("k3s3", ())).actions == ()
    assert run(ANNOUNCED, WantedNode("k3s3", (), ("/mnt/optane-1",))).actions == ()


def test_a_disk_that_longhorn_lacks_is_added_and_one_that_differs_is_corrected() -> None:
    odd = FoundDisk("default-disk-9", "/mnt/optane-2", ("general",), 4, scheduling=False)
    (action,) = run(replace(SEEN, disks=(odd,))).actions
    assert action.disks == {
        "optane-1": {
            "path": "/mnt/optane-1",
            "diskType": "filesystem",
            "evictionRequested": False,
            "allowScheduling": True,
            "storageReserved": 5,
            "tags": ["optane"],
        },
        # the name is Longhorn's, and whether it takes replicas is the operator's
        "default-disk-9": {"storageReserved": 5, "tags": ["optane"]},
    }
    assert action.sentence == (
        "k3s3: add the disk optane-1 at /mnt/optane-1, "
        "disk default-disk-9: reserve 5 bytes instead of 4 and tags optane instead of general"
    )


@pytest.mark.parametrize(
    ("disk", "reason"),
    [
        (replace(OTHER, replicas=3), "has 3 replicas"),
        (replace(OTHER, scheduling=True), "has no replica, but may still get some"),
        (replace(OTHER, evicting=False), "has no replica, but may still get some"),
        (replace(OTHER, replicas=1, scheduling=True, evicting=False), "has 1 replicas"),
    ],
)
def test_a_disk_of_others_is_kept_until_it_is_empty_and_stays_so(disk: FoundDisk, reason: str) -> None:
    found = run(replace(SEEN, disks=(*KNOWN, disk)))
    assert found.actions == ()
    assert reason in found.kept[0]
    assert found.kept[0].endswith("disable its scheduling and request its eviction in Longhorn, then run again")


def test_an_evicted_disk_is_removed() -> None:
    found = run(replace(SEEN, disks=(*KNOWN, OTHER)))
    assert [dict(action.disks) for action in found.actions] == [{"default-disk-1": None}]
    assert found.kept == ()


def test_a_disk_that_is_out_of_the_machine_is_neither_removed_nor_complained_about() -> None:
    evicted = replace(KNOWN[1], path="/mnt/optane-2", scheduling=False, evicting=True)
    found = run(
        replace(SEEN, config=CONFIG[:1], disks=(KNOWN[0], evicted)), WantedNode("k3s3", (ONE,), ("/mnt/optane-2",))
    )
    assert (found.actions, found.kept) == ((), ())


@pytest.mark.parametrize(
    ("path", "nodes", "clash"),
    [
        ("/mnt/optane-1/k8s-pv", ("k3s3",), True),
        ("/mnt/optane-1", (), True),
        ("/mnt", ("k3s3", "k3s4"), True),
        ("/mnt/optane-1/k8s-pv", ("k3s1",), False),
        ("/mnt/optane-10", ("k3s3",), False),
        ("/var/lib/rancher/k3s/storage/pvc-1", ("k3s3",), False),
    ],
)
def test_no_directory_serves_two_storage_systems(path: str, nodes: tuple[str, ...], clash: bool) -> None:
    found = run(FoundNode("k3s3"), WANTED, LocalVolume("pv-1", path, nodes))
    assert bool(found.problems) == clash
    assert bool(found.actions) != clash
    if clash:
        assert f"k3s3: /mnt/optane-1 is wanted for Longhorn and holds the volume pv-1 (at {path})" in found.problems[0]


def test_a_disk_never_moves() -> None:
    found = run(replace(SEEN, disks=(FoundDisk("optane-1", "/mnt/old"), KNOWN[1])))
    assert found.actions == ()
    assert "Longhorn has the disk optane-1 at /mnt/old, expected /mnt/optane-1" in found.problems[0]


def test_a_name_or_a_path_given_twice() -> None:
    twice = WantedNode("k3s3", (ONE, replace(TWO, name="optane-1"), replace(TWO, name="x")))
    assert [sentence.partition(",")[0] for sentence in run(FoundNode("k3s3"), twice).problems] == [
        "k3s3: two disks have the name 'optane-1'",
        "k3s3: two disks have the path '/mnt/optane-2'",
    ]


def test_one_wrong_node_stops_all_others() -> None:
    wrong = WantedNode("k3s1", (ONE, ONE))
    assert plan([WANTED, wrong], {"k3s3": FoundNode("k3s3"), "k3s1": FoundNode("k3s1")}, []).actions == ()


def test_a_rehearsal_tells_of_nodes_to_come() -> None:
    assert [action.sentence for action in to_come([WANTED, WantedNode("m", ())], {})] == [
        "k3s3: register, then announce optane-1 at /mnt/optane-1, optane-2 at /mnt/optane-2 to Longhorn"
    ]


PATHS = st.sampled_from(["/mnt/a", "/mnt/b", "/mnt/c", "/var/lib/longhorn"])
DISKS = st.builds(
    FoundDisk,
    name=st.sampled_from(["a", "b", "c", "d"]),
    path=PATHS,
    tags=st.sampled_from([(), ("x",)]),
    reserved=st.integers(0, 2),
    scheduling=st.booleans(),
    evicting=st.booleans(),
    replicas=st.integers(0, 2),
)
WANTED_DISKS = st.builds(
    WantedDisk, st.sampled_from(["a", "b", "c"]), PATHS, st.sampled_from([(), ("x",)]), st.integers(0, 2)
)


@given(
    st.lists(DISKS, max_size=4, unique_by=(lambda disk: disk.name, lambda disk: disk.path)),
    st.lists(WANTED_DISKS, max_size=3, unique_by=(lambda disk: disk.name, lambda disk: disk.path)),
)
def test_no_plan_ever_removes_a_disk_with_replicas_and_a_second_plan_is_empty(
    disks: list[FoundDisk], wanted: list[WantedDisk]
) -> None:
    found = FoundNode("n", seen=True, disks=tuple(disks))
    here = {disk.name: disk for disk in disks}
    for action in run(found, WantedNode("n", tuple(wanted))).actions:
        for name, change in action.disks.items():
            if change is None:
                assert (here[name].replicas, here[name].scheduling, here[name].evicting) == (0, False, True)
                del here[name]
                continue
            old = here.get(name, FoundDisk(name, change.get("path", "")))
            here[name] = replace(
                old,
                tags=tuple(change.get("tags", old.tags)),
                reserved=change.get("storageReserved", old.reserved),
                evicting=change.get("evictionRequested", old.evicting),
            )
    again = run(replace(found, disks=tuple(here.values())), WantedNode("n", tuple(wanted)))
    assert [action for action in again.actions if action.kind == "patch_disks"] == []
