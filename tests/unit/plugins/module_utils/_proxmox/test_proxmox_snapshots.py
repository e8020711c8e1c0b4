# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which snapshots are made, kept and gone back to, as tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.model import GIB, Machine, Storage
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.snapshots import (
    Snapshot,
    SnapshotPlan,
    Wish,
    plan_snapshot,
)

MACHINE = Machine(130, "k3s-master1", "pve", running=True)
CONFIG = {"tags": "homelab", "scsi0": "fast:vm-130-disk-0,size=64G", "ide2": "fast:vm-130-cloudinit,media=cdrom"}
NEW = Wish("k3s-master1", "upgrade", "20261123T101500", keep=2)
BACK = Wish("k3s-master1", back_to="homelab-one-1")
ONE, TWO, THREE = (Snapshot(f"homelab-{name}-{made}", made) for made, name in ((1, "one"), (2, "two"), (3, "three")))
MINE = Snapshot("before_holidays", 0)


def plan(wish: Wish, *there: Snapshot, kind: str = "lvmthin", config: dict[str, str] = CONFIG) -> SnapshotPlan:
    return plan_snapshot(wish, MACHINE, config, there, {"fast": Storage(kind, ("images",), GIB)})


@pytest.mark.parametrize(
    ("keep", "there", "expired"),
    [
        (2, (), ()),
        (2, (ONE,), ()),
        (2, (TWO, ONE), ("homelab-one-1",)),
        (1, (THREE, ONE, TWO), ("homelab-one-1", "homelab-two-2", "homelab-three-3")),
        (2, (MINE, ONE), ()),
        (1, (MINE,), ()),
    ],
)
def test_the_oldest_of_ours_go_and_nobody_elses(
    keep: int, there: tuple[Snapshot, ...], expired: tuple[str, ...]
) -> None:
    todo = plan(replace(NEW, keep=keep), *there)
    assert (todo.name, todo.expired, todo.problems) == ("homelab-upgrade-20261123T101500", expired, ())


def test_a_way_back_removes_nothing() -> None:
    todo = plan(replace(BACK, keep=1), ONE, TWO, MINE)
    assert (todo.name, todo.expired, todo.problems) == ("homelab-one-1", (), ())


def test_refusals() -> None:
    def sentence(todo: SnapshotPlan) -> str:
        assert len(todo.problems) == 1, todo.problems
        return todo.problems[0]

    assert "has no machine called k3s-master1; make it with playbooks/vm.yml" in sentence(
        plan_snapshot(NEW, None, {}, (), {})
    )
    assert "which this collection has not made" in sentence(plan(NEW, config={}))
    assert "is locked (backup)" in sentence(plan(NEW, config={**CONFIG, "lock": "backup"}))
    assert "has no snapshot 'homelab-one-1' (there: homelab-two-2)" in sentence(plan(BACK, TWO))
    assert "ZFS goes back only to the newest snapshot, homelab-two-2" in sentence(plan(BACK, ONE, TWO, kind="zfspool"))
    assert plan(BACK, ONE, kind="zfspool").problems == ()
    assert "scsi0 of k3s-master1 lies on fast (lvm), which keeps no snapshots" in sentence(plan(NEW, kind="lvm"))
    assert "(nfs), which keeps no snapshots" in sentence(plan(NEW, kind="nfs"))
    file = {**CONFIG, "scsi0": "fast:130/vm-130-disk-0.qcow2,size=64G"}
    assert plan(NEW, kind="nfs", config=file).problems == ()
    assert "is no name of a snapshot" in sentence(plan(replace(NEW, reason="before something with blanks")))
