# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks import probe_usage
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.model import Usage
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.probe_usage import read_mounts, usage_of
from tests.unit.plugins.module_utils._disks.fake_machine import OPTANE, FakeMachine, k3s3


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    made = FakeMachine(tmp_path)
    made.nvme(0, "0000:82:00.0", OPTANE, "S1")
    return made


def usage(machine: FakeMachine, name: str = "nvme0n1", **listed: object) -> Usage:
    return usage_of(machine.paths, name, read_mounts(machine.paths.proc), listed)


def test_an_unused_disk_has_no_users(machine: FakeMachine) -> None:
    assert usage(machine) == Usage()


def test_the_disk_below_a_logical_volume_with_the_root_is_the_system_disk(tmp_path: Path) -> None:
    found = usage(k3s3(tmp_path), "sda")
    assert found == Usage(system=True, mounts=("/", "/boot/efi"), holders=("LVM volume ubuntu--vg-root",))


def test_a_mount_in_another_namespace_counts(machine: FakeMachine) -> None:
    machine.mount("259:0", "/srv/my\\040disk", "/dev/nvme0n1")
    machine.write("proc/self/mountinfo", "")
    assert usage(machine).mounts == ("/srv/my disk",)


def test_btrfs_is_found_by_its_device_since_its_number_is_its_own(machine: FakeMachine) -> None:
    machine.mount("0:45", "/srv", "/dev/nvme0n1")
    assert usage(machine).mounts == ("/srv",)


def test_mounts_that_only_lsblk_tells_count_too(machine: FakeMachine) -> None:
    children = [{"name": "nvme0n1p1", "mountpoints": [None, "/home"]}, {"name": "x", "mountpoints": ["[SWAP]"]}]
    found = usage(machine, mountpoints=[None], children=children)
    assert (found.mounts, found.swaps, found.system) == (("/home",), ("nvme0n1",), True)


def test_swap_on_a_partition_is_found(machine: FakeMachine) -> None:
    machine.partition("nvme0n1", "nvme0n1p1", 1024**2, 1024**2, "259:9")
    machine.write(
        "proc/swaps", "Filename Type Size Used Priority\n/dev/nvme0n1p1 partition 1 0 -2\n/swap.img file 1 0 -3"
    )
    assert usage(machine).swaps == ("nvme0n1p1",)


HOLDERS = [
    ("LVM-x", "vg-data", "LVM volume vg-data"),
    ("mpath-36001", "mpatha", "multipath map mpatha"),
    ("CRYPT-LUKS2-x", "secret", "encrypted volume secret"),
    ("", "linear", "device-mapper volume linear"),
]


@pytest.mark.parametrize(("uuid", "name", "title"), HOLDERS)
def test_holders_are_named_by_what_they_are(machine: FakeMachine, uuid: str, name: str, title: str) -> None:
    machine.mapped("sys/block/nvme0n1", "dm-3", uuid, name, "253:3")
    assert usage(machine).holders == (title,)


def test_a_volume_on_an_encrypted_partition_is_followed_to_its_mount(machine: FakeMachine) -> None:
    lower = machine.partition("nvme0n1", "nvme0n1p1", 1024**2, 1024**2, "259:9")
    machine.mapped(lower, "dm-1", "CRYPT-LUKS2-x", "secret", "253:1")
    machine.mapped("sys/devices/virtual/block/dm-1", "dm-2", "LVM-y", "vg-lv", "253:2")
    machine.mount("253:2", "/srv", "/dev/mapper/vg-lv")
    assert usage(machine) == Usage(mounts=("/srv",), holders=("encrypted volume secret",))


def test_a_stopped_array_holds_its_members(machine: FakeMachine) -> None:
    machine.write(
        "proc/mdstat", "Personalities : \nmd127 : inactive sdz1[1](S) nvme0n1[0](S)\n      1 blocks super 1.2\n"
    )
    assert usage(machine).holders == ("md array md127",)


def test_a_registered_bcache_holds_its_disk(machine: FakeMachine) -> None:
    (machine.root / "sys/block/nvme0n1/bcache").mkdir()
    assert usage(machine).holders == ("bcache",)


def test_an_exclusive_opener_that_nobody_names_is_noticed(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object, flags: int) -> int:
        assert flags & os.O_EXCL
        assert flags & os.O_ACCMODE == os.O_RDONLY
        raise OSError(probe_usage.errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(probe_usage.os, "open", refuse)
    assert usage(machine) == Usage(busy=True)
