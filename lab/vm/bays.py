# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disk is in which bay of a machine, and the files they lie in."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lab.command import Runner, must, run
from lab.errors import LabError
from lab.vm.hardware import Disk, Hardware, made_disk, made_up
from lab.vm.image import Image


class Bays:
    """The disks of one machine; the order in the list is the order of the bays."""

    def __init__(self, folder: Path, image: Image, runner: Runner = run) -> None:
        self.folder = folder
        self._image = image
        self._run = runner

    @property
    def _list(self) -> Path:
        return self.folder / "bays.json"

    def read(self) -> tuple[Disk, ...]:
        """What is in the machine now; nothing before its first start."""
        if not self._list.exists():
            return ()
        return tuple(Disk(**row) for row in json.loads(self._list.read_text()))

    def write(self, disks: Sequence[Disk]) -> None:
        """Put these disks in, making the files of new ones."""
        (self.folder / "disks").mkdir(parents=True, exist_ok=True)
        for disk in disks:
            if not self._file(disk).exists():
                self._make(disk)
        temporary = self._list.with_suffix(".new")
        temporary.write_text(json.dumps([disk.plain() for disk in disks], indent=1))
        temporary.rename(self._list)

    def bare(self, hardware: Hardware) -> None:
        """Every disk as it came from the factory, the system just installed."""
        shutil.rmtree(self.folder / "disks", ignore_errors=True)
        self.write(hardware.disks)

    def shuffle(self, seed: int) -> None:
        """Put every data disk into another bay of its bus, where there is more than one."""
        chance = random.Random(seed)
        disks = list(self.read())
        for bus in sorted({disk.bus for disk in disks}):
            places = [at for at, disk in enumerate(disks) if disk.bus == bus and not disk.system]
            chance.shuffle(places)
            moved = [disks[place] for place in places]
            for place, disk in zip([*places[1:], *places[:1]], moved, strict=True):
                disks[place] = disk
        self.write(disks)

    def swap(self, first: str, second: str) -> None:
        """Two disks of one bus change their bays."""
        disks = list(self.read())
        one, other = self._at(disks, first), self._at(disks, second)
        if disks[one].bus != disks[other].bus:
            raise LabError(f"{first} is on {disks[one].bus} and {second} on {disks[other].bus}; name two of one bus")
        disks[one], disks[other] = disks[other], disks[one]
        self.write(disks)

    def pull(self, serial: str) -> None:
        """Take a disk out; its file is kept, so it can come back."""
        disks = list(self.read())
        del disks[self._at(disks, serial)]
        self.write(disks)

    def replace(self, serial: str, data: Path | None) -> Disk:
        """A new disk of the same kind in a disk's bay: blank, or holding an ext4 file system with a folder's files."""
        disks = list(self.read())
        at = self._at(disks, serial)
        old = disks[at]
        fresh = made_disk(f"LAB{made_up('after', serial)[:12]}", old.model, old.bus, old.size)
        fresh = replace(fresh, vendor=old.vendor)
        if data is not None and not data.is_dir():
            raise LabError(f"there is no folder {data} to take the new disk's files from")
        self._file(fresh).unlink(missing_ok=True)
        self._make(fresh)
        if data is not None:
            self._fill(fresh, data)
        disks[at] = fresh
        self.write(disks)
        return fresh

    def _at(self, disks: Sequence[Disk], serial: str) -> int:
        for at, disk in enumerate(disks):
            if disk.serial == serial and not disk.system:
                return at
        known = ", ".join(disk.serial for disk in disks if not disk.system) or "none"
        raise LabError(f"{self.folder.name} has no data disk {serial}; its data disks are {known}")

    def _file(self, disk: Disk) -> Path:
        return self.folder / "disks" / disk.file

    def _make(self, disk: Disk) -> None:
        """A sparse file of the disk's size; a system disk starts as a layer over the image."""
        base = ["-b", str(self._image.disk), "-F", self._image.format] if disk.system else []
        part = self._file(disk).with_suffix(".part")
        must(self._run, ["qemu-img", "create", "-q", "-f", "qcow2", *base, str(part), str(disk.size // 512 * 512)])
        part.rename(self._file(disk))

    def _fill(self, disk: Disk, data: Path) -> None:
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            raw = Path(name) / "raw"
            with raw.open("wb") as stream:
                stream.truncate(disk.size // 512 * 512)
            must(self._run, ["mke2fs", "-q", "-F", "-t", "ext4", "-L", "somebody", "-d", str(data), str(raw)])
            must(self._run, ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(self._file(disk))])
