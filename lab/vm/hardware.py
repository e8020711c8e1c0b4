# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a machine's description to the hardware to emulate. Pure: no files, no processes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.errors import LabError

GB = 1000**3
SYSTEM_GB = 32
BUSES = ("nvme", "sas", "sata", "usb", "virtio")
LITERAL = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Disk:
    """One disk, in the order of the bays of its bus."""

    serial: str
    model: str
    bus: str
    size: int
    vendor: str = ""
    wwn: str = ""
    system: bool = False

    @property
    def file(self) -> str:
        """The file it lies in: a disk keeps it, whatever bay it is in."""
        return f"{self.serial}.qcow2"

    def plain(self) -> dict[str, Any]:
        """As the list of bays is kept."""
        return asdict(self)


@dataclass(frozen=True)
class Nic:
    """The interface that carries the machine's address."""

    name: str
    mac: str
    bus: str


@dataclass(frozen=True)
class Hardware:
    """What is to be emulated of a machine."""

    name: str
    vendor: str
    product: str
    serial: str
    nic: Nic
    disks: tuple[Disk, ...]
    # further interfaces, in the order of the inventory
    others: tuple[Nic, ...] = ()


def hardware_of(name: str, variables: Mapping[str, Any]) -> Hardware:
    """The hardware of a machine, from its variables in the inventory."""
    machine = variables.get("homelab_machine") or {}
    described = [*(machine.get("disks") or []), *(variables.get("lab_disks") or [])]
    disks = _disks(name, described, "virtio" if machine.get("kind") == "vm" else "sata")
    serials = [disk.serial for disk in disks]
    twice = sorted({serial for serial in serials if serials.count(serial) > 1})
    if twice:
        raise LabError(f"{name} has two disks with the serial {', '.join(twice)}; each disk needs one of its own")
    return Hardware(
        name,
        str(machine.get("vendor") or "Unknown"),
        str(machine.get("product") or "Unknown"),
        f"LAB{made_up(name)[:7]}",
        _primary(name, machine.get("nics") or []),
        tuple(disks),
        _others(name, machine.get("nics") or []),
    )


def made_up(*parts: object) -> str:
    """Hexadecimal digits that are always the same for the same parts."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest().upper()


def _disks(name: str, described: Sequence[Mapping[str, Any]], system_bus: str) -> list[Disk]:
    disks = []
    for row in described:
        system = row.get("slot") == "system"
        bus = row.get("transport") or (system_bus if system else None)
        if bus not in BUSES:
            raise LabError(
                f"{name}: the disk '{row.get('model')}' has no transport that can be emulated ({bus}); "
                f"write one of {', '.join(BUSES)}"
            )
        for index in range(int(row.get("count") or 1)):
            serial = _serial(name, row, index)
            disks.append(made_disk(serial, str(row.get("model") or "disk"), bus, int(row["size_gb"]) * GB, system))
    if not any(disk.system for disk in disks):
        # nobody wrote down what it boots from
        disks.insert(0, made_disk(_serial(name, {"slot": "system"}, 0), "lab disk", system_bus, SYSTEM_GB * GB, True))
    return disks


def made_disk(serial: str, model: str, bus: str, size: int, system: bool = False) -> Disk:
    """A disk with what follows from its serial: SAS and SATA disks carry a world-wide name."""
    wwn = f"0x5{made_up('wwn', serial)[:15].lower()}" if bus in ("sas", "sata") else ""
    return Disk(serial, model, bus, size, "LAB" if bus == "sas" else "", wwn, system)


def _serial(name: str, row: Mapping[str, Any], index: int) -> str:
    """The inventory's serial where it is one, else LAB and twelve digits made from machine, slot, model and index."""
    known = str(row.get("serial_pattern") or "")
    if LITERAL.fullmatch(known) and int(row.get("count") or 1) == 1:
        return known
    return f"LAB{made_up(name, row.get('slot'), row.get('model'), index)[:12]}"


def _primary(name: str, nics: Sequence[Mapping[str, Any]]) -> Nic:
    return _nic(next((nic for nic in nics if nic.get("primary")), nics[0] if nics else {}), "lan0", name, "mac")


def _others(name: str, nics: Sequence[Mapping[str, Any]]) -> tuple[Nic, ...]:
    primary = next((nic for nic in nics if nic.get("primary")), nics[0] if nics else {})
    rest = [nic for nic in nics if nic is not primary]
    return tuple(_nic(nic, f"lan{number}", name, "mac", number) for number, nic in enumerate(rest, 1))


def _nic(described: Mapping[str, Any], name: str, *parts: object) -> Nic:
    digits = made_up(*parts).lower()
    mac = str(described.get("mac") or "52:54:00:" + ":".join(digits[at : at + 2] for at in (0, 2, 4)))
    return Nic(str(described.get("name") or name), mac.lower().replace("-", ":"), str(described.get("bus") or "pci"))
