# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the identity of disks, from sysfs, with lsblk for what sysfs does not tell."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .model import Disk

PCI_ADDRESS = re.compile(r"^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]$")

# Part of a SCSI disk's place in the device tree -> transport; the first that fits counts.
TRANSPORTS = (
    (re.compile(r"/usb\d+/"), "usb"),
    (re.compile(r"/ata\d+/"), "sata"),
    (re.compile(r"/end_device-"), "sas"),
    (re.compile(r"/session\d+/"), "iscsi"),
    (re.compile(r"/rport-"), "fc"),
    (re.compile(r"/virtio\d+/"), "virtio"),
)


@dataclass(frozen=True)
class Paths:
    """Where the machine's own directories are; tests and rescue systems have them elsewhere."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    dev: Path = Path("/dev")
    fstab: Path = Path("/etc/fstab")


def read_text(path: Path) -> str:
    """Contents without blanks around it; empty when the kernel has no such attribute for this device."""
    try:
        return path.read_bytes().decode("utf-8", "replace").strip(" \t\r\n\0")
    except OSError:
        return ""


def whole_disks(sys: Path) -> Iterator[str]:
    """Kernel names of block devices that are hardware, or a file posing as such (loop)."""
    block = sys / "block"
    for name in sorted(os.listdir(block)):
        entry = block / name
        backed = (entry / "device").exists() or (entry / "loop/backing_file").exists()
        scsi_type = read_text(entry / "device/type") if not name.startswith("nvme") else ""
        hidden = read_text(entry / "hidden") == "1"
        is_disk = not name.startswith(("fd", "sr")) and scsi_type in ("", "0", "14", "SD", "MMC")
        if backed and not hidden and is_disk and read_text(entry / "size") not in ("", "0"):
            yield name


def partitions(sys: Path, name: str) -> tuple[str, ...]:
    entry = sys / "block" / name
    return tuple(sorted(child for child in os.listdir(entry) if (entry / child / "partition").exists()))


def identify(paths: Paths, name: str, listed: Mapping[str, Any]) -> Disk:
    """Who this disk says it is. `listed` is lsblk's row for it, used only where sysfs is silent."""
    entry = paths.sys / "block" / name
    place = _place(entry, name)
    pci_address, pci_id = _pci(place)
    vendor = read_text(entry / "device/vendor")
    return Disk(
        name=name,
        path=str(paths.dev / name.replace("!", "/")),
        number=read_text(entry / "dev"),
        size=int(read_text(entry / "size")) * 512,  # always 512-byte units, whatever the disk's sectors are
        serial=_serial(entry, name) or _listed(listed, "serial"),
        wwn=_wwn(entry) or _listed(listed, "wwn"),
        transport=_transport(entry, name, place, vendor) or _listed(listed, "tran") or "scsi",
        vendor="" if vendor.startswith("0x") else vendor or _listed(listed, "vendor"),
        model=read_text(entry / "device/model") or _listed(listed, "model"),
        rotational=read_text(entry / "queue/rotational") == "1",
        removable=read_text(entry / "removable") == "1",
        read_only=read_text(entry / "ro") == "1",
        pci_id=pci_id,
        pci_address=pci_address,
        partitions=partitions(paths.sys, name),
    )


def _listed(row: Mapping[str, Any], key: str) -> str:
    return str(row.get(key) or "").strip()


def _place(entry: Path, name: str) -> str:
    """Path in the device tree; below a virtual node (NVMe with native multipath) that of the first controller."""
    place = os.path.realpath(entry)
    if "/nvme-subsystem/" in place:
        device = entry / "device"
        controllers = sorted(child for child in os.listdir(device) if re.match(r"^nvme\d+$", child))
        if controllers:
            return os.path.realpath(device / controllers[0])
    return place


def _pci(place: str) -> tuple[str, str]:
    parts = place.split("/")
    for index in range(len(parts) - 1, 0, -1):
        if PCI_ADDRESS.match(parts[index]):
            function = Path("/".join(parts[: index + 1]))
            ids = (read_text(function / key).replace("0x", "", 1) for key in ("vendor", "device"))
            return parts[index], ":".join(ids)
    return "", ""


def _transport(entry: Path, name: str, place: str, vendor: str) -> str:
    if name.startswith("loop"):
        return "loop"
    if name.startswith("nvme"):
        kind = read_text(entry / "device/transport") or read_text(Path(place) / "transport")
        return "nvme" if kind in ("", "pcie") else f"nvme-{kind}"
    if name.startswith("mmcblk"):
        return "mmc"
    found = next((transport for pattern, transport in TRANSPORTS if pattern.search(f"{place}/")), "")
    # A SATA disk on a SAS controller: the translation layer calls itself ATA.
    return "sata" if found == "sas" and vendor == "ATA" else found


def _serial(entry: Path, name: str) -> str:
    if name.startswith("loop"):
        # A loop device is known by its file: /srv/lab/OPTANE-01.img is disk OPTANE-01.
        return Path(read_text(entry / "loop/backing_file").replace(" (deleted)", "")).stem
    return read_text(entry / "device/serial") or read_text(entry / "serial") or _unit_serial(entry / "device/vpd_pg80")


def _unit_serial(page: Path) -> str:
    """SCSI vital product data page 0x80: four bytes of header, then the serial (SPC-4, 7.8.15)."""
    try:
        raw = page.read_bytes()
    except OSError:
        return ""
    return raw[4 : 4 + raw[3]].decode("ascii", "replace").strip(" \0") if len(raw) > 4 else ""


def _wwn(entry: Path) -> str:
    """Written as lsblk and udev do: 0x5002… for NAA, eui.… for NVMe; other kinds do not identify a disk for sure."""
    name = read_text(entry / "wwid") or read_text(entry / "device/wwid")
    if name.startswith("naa."):
        return "0x" + name[4:]
    return name if name.startswith(("eui.", "uuid.")) else ""
