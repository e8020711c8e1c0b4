# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks of a virtual machine change bays and are replaced; what lies on them stays with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.command import Answer
from lab.errors import LabError
from lab.vm.bays import Bays
from lab.vm.hardware import hardware_of
from lab.vm.image import Image

DISKS = [
    {"model": "system", "size_gb": 10, "transport": "sata", "slot": "system"},
    {"model": "Optane", "size_gb": 118, "transport": "nvme", "count": 2},
    {"model": "SSD", "size_gb": 350, "transport": "sas", "count": 4},
]
HARDWARE = hardware_of("k3s3", {"homelab_machine": {"disks": DISKS}})


class Tools:
    """qemu-img and mke2fs: makes the file each is told to make, and remembers what it was told."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, argv: Sequence[str], stdin: str = "") -> Answer:
        self.calls.append(list(argv))
        file = Path(argv[-2] if argv[1] == "create" else argv[-1])
        file.write_text(f"made for {argv[0]}")
        return Answer(0, "", "")


@pytest.fixture
def tools() -> Tools:
    return Tools()


@pytest.fixture
def bays(tmp_path: Path, tools: Tools) -> Bays:
    result = Bays(tmp_path, Image(Path("/images/disk.raw"), "raw"), tools)
    result.bare(HARDWARE)
    return result


def serials(bays: Bays, bus: str) -> list[str]:
    return [disk.serial for disk in bays.read() if disk.bus == bus]


def test_only_the_system_disk_is_a_layer_over_the_image(bays: Bays, tools: Tools) -> None:
    assert bays.read() == HARDWARE.disks
    assert [("-b" in call, call[-1]) for call in tools.calls] == (
        [(True, str(10 * 1000**3))] + 2 * [(False, str(118 * 1000**3))] + 4 * [(False, str(350 * 1000**3))]
    )


@pytest.mark.parametrize("seed", range(20))
def test_a_shuffle_leaves_no_data_disk_in_its_bay_and_none_on_another_bus(bays: Bays, seed: int) -> None:
    before = bays.read()
    bays.shuffle(seed)
    after = bays.read()
    assert [disk.bus for disk in after] == [disk.bus for disk in before]
    assert sorted(disk.serial for disk in after) == sorted(disk.serial for disk in before)
    assert [old.serial == new.serial for old, new in zip(before, after, strict=True)] == [True, *6 * [False]]


def test_two_disks_of_one_bus_change_places(bays: Bays) -> None:
    first, second, *others = serials(bays, "sas")
    bays.swap(first, second)
    assert serials(bays, "sas") == [second, first, *others]


def test_disks_of_two_buses_fit_into_no_common_bay(bays: Bays) -> None:
    with pytest.raises(LabError, match=r"is on nvme and \w+ on sas; name two of one bus"):
        bays.swap(serials(bays, "nvme")[0], serials(bays, "sas")[0])


def test_a_replacement_is_a_new_blank_disk_in_the_same_bay(bays: Bays, tools: Tools) -> None:
    old = bays.read()[1]
    new = bays.replace(old.serial, None)
    assert bays.read()[1] == new
    assert new.serial != old.serial
    assert (new.model, new.bus, new.size) == (old.model, old.bus, old.size)
    assert (bays.folder / "disks" / old.file).exists(), "a disk that was taken out can be put back"
    assert not any(call[0] == "mke2fs" for call in tools.calls)


def test_a_replacement_with_data_holds_a_file_system_with_the_folders_files(
    bays: Bays, tools: Tools, tmp_path: Path
) -> None:
    bays.replace(serials(bays, "sas")[0], tmp_path)
    made = next(call for call in tools.calls if call[0] == "mke2fs")
    assert made[made.index("-d") + 1] == str(tmp_path)
    assert tools.calls[-1][:2] == ["qemu-img", "convert"]


def test_a_replacement_without_its_folder_changes_nothing(bays: Bays) -> None:
    before = bays.read()
    with pytest.raises(LabError, match="there is no folder /nowhere"):
        bays.replace(before[1].serial, Path("/nowhere"))
    assert bays.read() == before


def test_the_system_disk_is_not_to_be_moved_and_the_others_are_named(bays: Bays) -> None:
    system = bays.read()[0].serial
    with pytest.raises(LabError, match=f"has no data disk {system}; its data disks are {serials(bays, 'nvme')[0]}, "):
        bays.pull(system)


def test_a_pulled_disk_is_gone_and_its_file_is_not(bays: Bays) -> None:
    serial = serials(bays, "sas")[2]
    bays.pull(serial)
    assert serial not in serials(bays, "sas")
    assert (bays.folder / "disks" / f"{serial}.qcow2").exists()


def test_bare_makes_every_disk_anew(bays: Bays) -> None:
    file = bays.folder / "disks" / bays.read()[3].file
    file.write_text("used")
    bays.pull(bays.read()[4].serial)
    bays.bare(HARDWARE)
    assert bays.read() == HARDWARE.disks
    assert file.read_text() != "used"
