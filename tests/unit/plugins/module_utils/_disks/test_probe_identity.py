# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.model import Disk
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.probe_identity import identify, whole_disks
from tests.unit.plugins.module_utils._disks.fake_machine import GB, FakeMachine, k3s3


@pytest.fixture(scope="module")
def storage_worker(tmp_path_factory: pytest.TempPathFactory) -> FakeMachine:
    return k3s3(tmp_path_factory.mktemp("k3s3"))


def found(machine: FakeMachine, name: str, **listed: object) -> Disk:
    return identify(machine.paths, name, listed)


def test_whole_disks_leaves_out_what_is_no_hardware(storage_worker: FakeMachine) -> None:
    names = list(whole_disks(storage_worker.paths.sys))
    assert names == ["nvme0n1", "nvme1n1", "nvme2n1", "nvme3n1", *(f"sd{letter}" for letter in "abcdefgh")]


def test_an_nvme_disk_tells_its_slot_and_serial(storage_worker: FakeMachine) -> None:
    disk = found(storage_worker, "nvme0n1")
    assert (disk.transport, disk.model, disk.serial) == ("nvme", "INTEL SSDPEK1A118GA", "PHOC1111111A118B")
    assert (disk.pci_address, disk.pci_id, disk.wwn) == ("0000:82:00.0", "8086:2522", "eui.0000PHOC1111111A118B")
    assert (disk.vendor, disk.size, disk.rotational) == ("", 118_410_444_800, False)


def test_an_nvme_disk_below_a_virtual_node_tells_the_same(storage_worker: FakeMachine) -> None:
    disk = found(storage_worker, "nvme2n1")
    assert (disk.transport, disk.serial, disk.pci_address) == ("nvme", "S5GXNX0R111111A", "0000:84:00.0")
    assert disk.pci_id == "144d:a80a"


def test_a_sas_disk_tells_its_unit_serial_and_not_its_wwn_as_serial(storage_worker: FakeMachine) -> None:
    disk = found(storage_worker, "sdb", serial="5000039700000000")
    assert (disk.transport, disk.vendor, disk.model) == ("sas", "TOSHIBA", "PX02SMF040")
    assert (disk.serial, disk.wwn) == ("55A0A000TYV6", "0x5000039700000000")


def test_a_volume_of_a_raid_controller_is_no_sas_disk(storage_worker: FakeMachine) -> None:
    disk = found(storage_worker, "sda")
    assert (disk.transport, disk.vendor, disk.partitions) == ("scsi", "DELL", ("sda1", "sda2"))


PLACES = [
    ("ata3/host2/target2:0:0/2:0:0:0", "ATA", "sata"),
    ("host0/port-0:1/end_device-0:1/target0:0:1/0:0:1:0", "ATA", "sata"),
    ("host0/port-0:1/end_device-0:1/target0:0:1/0:0:1:0", "SEAGATE", "sas"),
    ("usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0", "Kingston", "usb"),
    ("host7/session1/target7:0:0/7:0:0:0", "LIO-ORG", "iscsi"),
    ("virtio3/host8/target8:0:0/8:0:0:0", "QEMU", "virtio"),
]


@pytest.mark.parametrize(("place", "vendor", "transport"), PLACES)
def test_the_transport_is_told_by_the_place_in_the_tree(
    tmp_path: Path, place: str, vendor: str, transport: str
) -> None:
    machine = FakeMachine(tmp_path)
    machine.scsi("sda", place, vendor, "DISK", "S1", GB)
    assert found(machine, "sda").transport == transport


def test_lsblk_fills_in_what_sysfs_does_not_tell(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.scsi("sda", "host0/target0:0:0/0:0:0:0", "HP", "LOGICAL", "", GB)
    disk = found(machine, "sda", serial=" PDNLH0 ", wwn="0x600508b1", tran=None)
    assert (disk.serial, disk.wwn, disk.transport) == ("PDNLH0", "0x600508b1", "scsi")


def test_a_virtio_disk_has_the_serial_it_was_given(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    place = "sys/devices/pci0000:00/0000:00:04.0/virtio1"
    machine.write("sys/devices/pci0000:00/0000:00:04.0/vendor", "0x1af4")
    machine.write("sys/devices/pci0000:00/0000:00:04.0/device", "0x1042")
    machine.write(f"{place}/vendor", "0x1af4")
    entry = machine.block(f"{place}/block", "vda", GB, serial="OPTANE-01")
    machine.link(f"{entry}/device", place)
    disk = found(machine, "vda")
    assert (disk.transport, disk.serial, disk.vendor, disk.pci_id) == ("virtio", "OPTANE-01", "", "1af4:1042")


def test_a_loop_device_is_known_by_its_file(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    entry = machine.block("sys/devices/virtual/block", "loop7", GB)
    assert list(whole_disks(machine.paths.sys)) == []
    machine.write(f"{entry}/loop/backing_file", "/srv/lab/OPTANE-01.img")
    assert list(whole_disks(machine.paths.sys)) == ["loop7"]
    assert (found(machine, "loop7").transport, found(machine, "loop7").serial) == ("loop", "OPTANE-01")


def test_an_empty_card_reader_and_a_drive_for_discs_are_no_disks(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.scsi("sda", "usb1/1-1/1-1:1.0/host0/target0:0:0/0:0:0:0", "Generic", "SD Reader", "1", 0)
    entry = machine.scsi("sdb", "ata1/host1/target1:0:0/1:0:0:0", "HL-DT-ST", "DVD", "2", GB)
    machine.write(f"{entry}/device/type", "5")
    assert list(whole_disks(machine.paths.sys)) == []
