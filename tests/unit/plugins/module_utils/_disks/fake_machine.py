# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees like /sys, /proc and /dev of a machine, with the attributes at the places where the kernel has them.

Written after the kernel's layout, not recorded on the owner's machines. Devices are sparse files of the real sizes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.probe_identity import Paths

GB = 10**9
OPTANE = ("8086:2522", "INTEL SSDPEK1A118GA", 118_410_444_800)
SAMSUNG = ("144d:a80a", "Samsung SSD 980 PRO 1TB", 1_000_204_886_016)


@dataclass
class FakeMachine:
    root: Path
    disks: list[str] = field(default_factory=list)
    mounts: list[str] = field(default_factory=list)

    @property
    def paths(self) -> Paths:
        return Paths(self.root / "sys", self.root / "proc", self.root / "dev", self.root / "fstab")

    def write(self, path: str, text: str | bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else f"{text}\n".encode())

    def link(self, path: str, target: str) -> None:
        source = self.root / path
        source.parent.mkdir(parents=True, exist_ok=True)
        source.symlink_to(self.root / target)

    def block(self, place: str, name: str, size: int, **attributes: str) -> str:
        """A disk whose kernel directory is below `place`."""
        entry = f"{place}/{name}"
        number = f"259:{len(self.disks)}"
        common = {"size": str(size // 512), "ro": "0", "removable": "0", "dev": number, "queue/rotational": "0"}
        for key, value in {**common, **attributes}.items():
            self.write(f"{entry}/{key}", value)
        (self.root / entry / "holders").mkdir(exist_ok=True)
        self.link(f"sys/block/{name}", entry)
        self.link(f"sys/class/block/{name}", entry)
        self.device(name, size)
        self.disks.append(name)
        return entry

    def device(self, name: str, size: int) -> None:
        node = self.root / "dev" / name
        node.parent.mkdir(exist_ok=True)
        with node.open("wb") as stream:
            stream.truncate(size)

    def nvme(self, index: int, pci: str, kind: tuple[str, str, int], serial: str, shared: bool = False) -> None:
        """`shared`: a disk that says it has several controllers, which Linux hangs below a virtual node."""
        pci_id, model, size = kind
        function = f"sys/devices/pci0000:80/0000:80:02.0/{pci}"
        controller = f"{function}/nvme/nvme{index}"
        for key, value in zip(("vendor", "device"), pci_id.split(":"), strict=True):
            self.write(f"{function}/{key}", f"0x{value}")
        home = f"sys/devices/virtual/nvme-subsystem/nvme-subsys{index}" if shared else controller
        for place in {home, controller}:
            self.write(f"{place}/model", f"{model:<40}")
            self.write(f"{place}/serial", f"{serial:<20}")
        self.write(f"{controller}/transport", "pcie")
        name = f"nvme{index}n1"
        entry = self.block(home, name, size, wwid=f"eui.0000{serial}")
        self.link(f"{entry}/device", home)
        if shared:
            self.link(f"{home}/nvme{index}", controller)
            hidden = self.block(controller, f"nvme{index}c0n1", size, hidden="1")
            self.link(f"{hidden}/device", controller)
            self.disks.pop()

    def scsi(
        self,
        name: str,
        place: str,
        vendor: str,
        model: str,
        serial: str,
        size: int,
        wwn: str = "",
        rotational: str = "0",
    ) -> str:
        """`place` is the way through the device tree from the controller's PCI function on."""
        function = "sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0"
        self.write(f"{function}/vendor", "0x1000")
        self.write(f"{function}/device", "0x0097")
        device = f"{function}/{place}"
        self.write(f"{device}/vendor", f"{vendor:<8}")
        self.write(f"{device}/model", f"{model:<16}")
        self.write(f"{device}/type", "0")
        if wwn:
            self.write(f"{device}/wwid", f"naa.{wwn}")
        if serial:
            self.write(f"{device}/vpd_pg80", bytes([0, 0x80, 0, len(serial) + 4]) + f"    {serial}".encode())
        entry = self.block(f"{device}/block", name, size, **{"queue/rotational": rotational})
        self.link(f"{entry}/device", device)
        return entry

    def sas(self, name: str, index: int, serial: str, size: int = 400_088_457_216) -> None:
        place = f"host0/port-0:{index}/end_device-0:{index}/target0:0:{index}/0:0:{index}:0"
        self.scsi(name, place, "TOSHIBA", "PX02SMF040", serial, size, f"50000397{index:08x}")

    def partition(self, name: str, part: str, start: int, size: int, number: str) -> str:
        entry = f"sys/block/{name}/{part}"
        for key, value in {"partition": part[-1], "start": start // 512, "size": size // 512, "dev": number}.items():
            self.write(f"{entry}/{key}", str(value))
        (self.root / entry / "holders").mkdir()
        (self.root / "sys/class/block" / part).symlink_to((self.root / entry).resolve())
        self.device(part, size)
        return entry

    def mapped(self, over: str, name: str, uuid: str, title: str, number: str) -> None:
        """A device-mapper volume that holds `over`, a directory below sys."""
        entry = f"sys/devices/virtual/block/{name}"
        for key, value in {"dm/uuid": uuid, "dm/name": title, "dev": number, "size": "2048"}.items():
            self.write(f"{entry}/{key}", value)
        (self.root / entry / "holders").mkdir()
        self.link(f"sys/class/block/{name}", entry)
        self.link(f"sys/block/{name}", entry)
        self.link(f"{over}/holders/{name}", entry)

    def mount(self, number: str, path: str, source: str, options: str = "rw,relatime") -> None:
        self.mounts.append(f"36 25 {number} / {path} {options} shared:1 - ext4 {source} rw")
        for process in ("1", "self"):
            self.write(f"proc/{process}/mountinfo", "\n".join(self.mounts))


def k3s3(root: Path) -> FakeMachine:
    """The storage worker: two Optanes, two 980 PRO, seven SAS SSDs, the system on a RAID controller's volume."""
    machine = FakeMachine(root)
    machine.nvme(0, "0000:82:00.0", OPTANE, "PHOC1111111A118B")
    machine.nvme(1, "0000:83:00.0", OPTANE, "PHOC2222222B118B")
    machine.nvme(2, "0000:84:00.0", SAMSUNG, "S5GXNX0R111111A", shared=True)
    machine.nvme(3, "0000:85:00.0", SAMSUNG, "S5GXNX0R222222B")
    system = machine.scsi(
        "sda", "host1/target1:2:0/1:2:0:0", "DELL", "PERC H730 Mini", "00a1b2c3", 365 * GB, "61866da0"
    )
    machine.partition("sda", "sda1", 1024**2, 1024**3, "8:1")
    lower = machine.partition("sda", "sda2", 2 * 1024**3, 300 * 1024**3, "8:2")
    machine.mapped(lower, "dm-0", "LVM-abcdef", "ubuntu--vg-root", "253:0")
    machine.mount("253:0", "/", "/dev/mapper/ubuntu--vg-root")
    machine.mount("8:1", "/boot/efi", "/dev/sda1")
    assert system
    for index in range(7):
        machine.sas(f"sd{'bcdefgh'[index]}", index, f"55A0A00{index}TYV6")
    (root / "sys/block/ram0").mkdir()
    (root / "sys/block/zram0").mkdir()
    machine.write("proc/swaps", "Filename\tType\tSize\tUsed\tPriority")
    return machine


LSBLK = ["lsblk", "--json", "--bytes", "--output", "NAME,SERIAL,WWN,TRAN,VENDOR,MODEL,MOUNTPOINTS"]


class Script:
    """Answers exactly the calls it was given, in their order; `done` fails when one was not made."""

    def __init__(self, *calls: tuple[Sequence[str], tuple[int, str, str]]) -> None:
        self.calls = list(calls)

    def __call__(self, argv: Sequence[str]) -> tuple[int, str, str]:
        assert self.calls, f"unexpected call {argv}"
        expected, answer = self.calls.pop(0)
        assert list(argv) == list(expected)
        return answer

    def done(self) -> None:
        assert not self.calls, f"calls not made: {self.calls}"


def lsblk(*rows: dict[str, object]) -> tuple[Sequence[str], tuple[int, str, str]]:
    return LSBLK, (0, json.dumps({"blockdevices": list(rows)}), "")


def no_marks(machine: FakeMachine, *nodes: str) -> list[tuple[Sequence[str], tuple[int, str, str]]]:
    """wipefs and blkid finding nothing on these devices."""
    devices = [str(machine.root / "dev" / node) for node in nodes]
    return [
        (["wipefs", "--json", "--output", "device,type,label,uuid", *devices], (0, "", "")),
        (["blkid", "--probe", "--output", "export", *devices], (2, "", "")),
    ]
