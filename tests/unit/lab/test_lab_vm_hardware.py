# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual machine's hardware follows from the description of the real one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.errors import LabError
from lab.vm.command_line import Place, arguments
from lab.vm.hardware import Hardware, hardware_of, made_disk
from lab.vm.image import Image

HOME = Path(__file__).resolve().parents[3] / "inventory" / "home" / "host_vars"
OWN = Image(Path("/images/disk.raw"), "raw", Path("/images/vmlinuz"), Path("/images/initrd.img"))
CLOUD = Image(Path("/images/cloud.qcow2"), "qcow2")
PLACE = Place(Path("/lab/vms/k3s3"), "lab0", "tcg")


def described(name: str) -> Hardware:
    return hardware_of(name, yaml.safe_load((HOME / f"{name}.yml").read_text()))


def machine(*disks: dict[str, Any], **extra: Any) -> dict[str, Any]:
    return {"homelab_machine": {"kind": "metal", "disks": list(disks)}, **extra}


def devices(hardware: Hardware, image: Image = OWN) -> list[str]:
    argv = arguments(hardware, hardware.disks, image, PLACE)
    return [value for option, value in itertools.pairwise(argv) if option == "-device"]


def test_the_storage_worker_has_its_eleven_data_disks() -> None:
    disks = described("k3s3").disks
    assert [(disk.bus, disk.model) for disk in disks if not disk.system] == (
        2 * [("nvme", "INTEL SSDPEK1A118GA")] + 2 * [("nvme", "Samsung SSD 980 PRO 1TB")] + 7 * [("sas", "SAS SSD")]
    )
    assert disks[1].size == 118 * 1000**3
    assert len({disk.serial for disk in disks}) == len({disk.file for disk in disks}) == 12


def test_made_up_serials_are_the_same_at_every_call_and_differ_between_machines() -> None:
    assert described("k3s3") == described("k3s3")
    assert not {disk.serial for disk in described("k3s1").disks} & {disk.serial for disk in described("k3s2").disks}


def test_a_serial_that_is_known_is_used_and_a_pattern_is_not() -> None:
    row = {"model": "X", "size_gb": 10, "transport": "sas"}
    known, pattern = (
        hardware_of("n", machine({**row, "serial_pattern": text})).disks[1] for text in ("S5GX123", "S5GX.*")
    )
    assert known.serial == "S5GX123"
    assert pattern.serial.startswith("LAB")


def test_two_disks_with_one_serial_are_refused_by_name() -> None:
    row = {"model": "X", "size_gb": 10, "transport": "sas", "serial_pattern": "SAME"}
    with pytest.raises(LabError, match="n has two disks with the serial SAME"):
        hardware_of("n", machine(row, row))


def test_a_data_disk_without_a_transport_is_refused() -> None:
    with pytest.raises(
        LabError, match=r"n: the disk 'X' has no transport that can be emulated \(None\); write one of nvme"
    ):
        hardware_of("n", machine({"model": "X", "size_gb": 10}))


def test_a_machine_whose_disks_nobody_wrote_down_boots_from_one_all_the_same() -> None:
    assert [(disk.bus, disk.system) for disk in described("r730").disks] == [("sata", True)]


def test_disks_that_only_the_lab_has_come_last() -> None:
    extra = {"model": "lab pool", "size_gb": 14000, "transport": "sas", "count": 2}
    disks = hardware_of("r730", machine(lab_disks=[extra])).disks
    assert [disk.model for disk in disks] == ["lab disk", "lab pool", "lab pool"]


def test_nvme_of_intel_says_so_on_the_bus() -> None:
    found = [device for device in devices(described("k3s3")) if device.startswith("nvme,")]
    assert [("use-intel-id=on" in device) for device in found] == [True, True, False, False]


def test_sas_disks_have_a_maker_a_name_for_the_world_and_do_not_turn() -> None:
    found = [device for device in devices(described("k3s3")) if device.startswith("scsi-hd")]
    assert len(found) == 7
    assert all("vendor=LAB,product=SAS SSD,serial=LAB" in device for device in found)
    assert all(",wwn=0x5" in device and device.endswith("rotation_rate=1") for device in found)


def test_more_than_eight_sas_disks_need_a_second_controller() -> None:
    hardware = hardware_of("n", machine({"model": "X", "size_gb": 10, "transport": "sas", "count": 9}))
    found = devices(hardware)
    assert [device for device in found if device.startswith("mptsas")] == ["mptsas1068,id=sas0", "mptsas1068,id=sas1"]
    assert [device.split(",")[1:3] for device in found if device.startswith("scsi-hd")][-1] == [
        "bus=sas1.0",
        "scsi-id=0",
    ]


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("k3s1", "usb-net,bus=usb.0,netdev=lan,mac=6c:1f:f7:1b:e8:c8"),
        ("k3s3", "e1000e,netdev=lan,mac=52:54:00:"),
        ("k3s-master1", "virtio-net-pci,netdev=lan,mac=52:54:00:"),
    ],
)
def test_the_network_interface_is_of_the_kind_the_inventory_says(name: str, device: str) -> None:
    assert any(found.startswith(device) for found in devices(described(name)))


def test_smbios_says_maker_and_product_and_a_comma_in_a_name_ends_nothing() -> None:
    hardware = replace(described("k3s3"), product="PowerEdge, R630")
    argv = arguments(hardware, (), OWN, PLACE)
    assert f"type=1,manufacturer=Dell Inc.,product=PowerEdge,, R630,serial={hardware.serial}" in argv


def test_a_cloud_image_boots_by_its_own_loader_with_a_disk_of_instructions() -> None:
    hardware = described("k3s3")
    argv = arguments(hardware, hardware.disks, CLOUD, PLACE)
    assert "-kernel" not in argv
    assert [device for device in devices(hardware, CLOUD) if "bootindex=0" in device] == [
        device for device in devices(hardware, CLOUD) if device.startswith("ide-hd")
    ]
    assert any("drive=seed" in device for device in devices(hardware, CLOUD))


def test_a_new_disk_of_another_serial_has_another_world_wide_name() -> None:
    assert made_disk("A", "X", "sas", 1).wwn != made_disk("B", "X", "sas", 1).wwn


def test_a_second_interface_is_an_adapter_of_its_own_on_a_device_of_its_own() -> None:
    nics = [
        {"name": "eno1", "mac": "00:00:5e:00:53:02", "bus": "pci"},
        {"name": "enx0", "mac": "00:00:5e:00:53:01", "bus": "usb", "primary": True},
    ]
    hardware = hardware_of("k3s1", {"homelab_machine": {"nics": nics}})
    argv = arguments(hardware, (), OWN, replace(PLACE, other_taps=("tap1",)))
    assert "usb-net,bus=usb.0,netdev=lan,mac=00:00:5e:00:53:01,id=nic0" in argv
    assert "e1000e,netdev=lan1,mac=00:00:5e:00:53:02,id=nic1" in argv
    assert "tap,id=lan1,ifname=tap1,script=no,downscript=no" in argv
