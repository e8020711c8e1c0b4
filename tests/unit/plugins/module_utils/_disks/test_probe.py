# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandError
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks import judge
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.errors import ProbeError
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.model import (
    Layout,
    MountPoint,
    Selector,
    Tier,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.plan import make_plan
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.probe import probe
from tests.unit.plugins.module_utils._disks.fake_machine import (
    GB,
    LSBLK,
    OPTANE,
    FakeMachine,
    Script,
    k3s3,
    lsblk,
    no_marks,
)

NODES = ("nvme0n1", "nvme1n1", "nvme2n1", "nvme3n1", "sda", "sda1", "sda2", *(f"sd{letter}" for letter in "bcdefgh"))

HOMELAB = Layout(
    (
        Tier("nvme", 2, Selector(model=("Samsung SSD 980 PRO*",)), "/mnt/nvme-{n}"),
        Tier("optane", 2, Selector(pci_id=("8086:2522",)), "/mnt/optane-{n}"),
        Tier("ssd", 7, Selector(transport=("sas",), size_min=300 * GB, size_max=450 * GB), "/mnt/ssd-{n}", "xfs"),
    )
)


def test_the_storage_worker_gets_its_eleven_disks(tmp_path: Path) -> None:
    machine = k3s3(tmp_path)
    run = Script(lsblk(), *no_marks(machine, *NODES))
    snapshot = probe(run, machine.paths, health=False)
    run.done()
    states = {disk.name: judge.state(disk) for disk in snapshot.disks}
    assert states.pop("sda") == judge.FOREIGN
    assert set(states.values()) == {judge.BLANK}
    made = make_plan(snapshot, HOMELAB)
    assert made.refusals == ()
    assert [volume.label for volume in made.volumes] == [
        *("nvme-1", "nvme-2", "optane-1", "optane-2"),
        *(f"ssd-{slot}" for slot in range(1, 8)),
    ]
    assert "sda" not in {action.disk.name for action in made.actions}


def test_a_disk_without_device_node_is_unusable_and_not_opened(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.nvme(0, "0000:82:00.0", OPTANE, "S1")
    (tmp_path / "dev/nvme0n1").unlink()
    run = Script(lsblk())
    [disk] = probe(run, machine.paths, health=False).disks
    assert disk.unreadable.endswith("dev/nvme0n1: No such file or directory")


def test_data_on_a_disk_are_seen_through_the_whole_probe(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.nvme(0, "0000:82:00.0", OPTANE, "S1")
    with (tmp_path / "dev/nvme0n1").open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"x")
    [disk] = probe(Script(lsblk(), *no_marks(machine, "nvme0n1")), machine.paths, health=False).disks
    assert disk.contents.data_at == (OPTANE[2] - 1,)


def test_a_disk_in_use_is_not_sampled(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.nvme(0, "0000:82:00.0", OPTANE, "S1")
    machine.mount("259:0", "/srv", "/dev/nvme0n1")
    with (tmp_path / "dev/nvme0n1").open("r+b") as stream:
        stream.write(b"x")
    [disk] = probe(Script(lsblk(), *no_marks(machine, "nvme0n1")), machine.paths, health=False).disks
    assert disk.contents.data_at == ()
    assert judge.in_use(disk)


def test_lsblk_that_fails_or_prints_rubbish_stops_the_probe(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.nvme(0, "0000:82:00.0", OPTANE, "S1")
    with pytest.raises(CommandError):
        probe(Script((LSBLK, (127, "", "lsblk: not found"))), machine.paths)
    with pytest.raises(ProbeError, match="lsblk --json printed something else"):
        probe(Script((LSBLK, (0, "NAME\nsda", ""))), machine.paths)


def test_mount_points_are_described(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.nvme(0, "0000:82:00.0", OPTANE, "S1")
    full, empty, link, mounted, far = (str(tmp_path / name) for name in ("full", "empty", "link", "mounted", "far"))
    os.makedirs(f"{full}/child")
    os.mkdir(empty)
    os.symlink(full, link)
    os.mkdir(mounted, 0o750)
    machine.mount("259:0", mounted, "/dev/nvme0n1", "rw,noatime")
    machine.mount("0:99", far, "server:/export")
    wanted = (full, empty, link, f"{link}/below", f"{full}/child/no", mounted, far)
    run = Script(lsblk(), *no_marks(machine, "nvme0n1"))
    found = {place.path: place for place in probe(run, machine.paths, wanted, health=False).mount_points}
    assert (found[full].kind, found[full].entries) == ("directory", 1)
    assert (found[empty].kind, found[empty].entries) == ("directory", 0)
    assert found[link].kind == found[f"{link}/below"].kind == "other"
    assert found[f"{full}/child/no"] == MountPoint(f"{full}/child/no")
    assert (found[mounted].mounted, found[mounted].mode) == ("259:0", 0o750)
    assert "noatime" in found[mounted].mount_options
    # A server that does not answer must not hang the probe: nothing below it is touched.
    assert found[far] == MountPoint(far, "directory", mounted="0:99")
