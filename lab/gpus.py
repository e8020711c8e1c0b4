# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A double of the PCI bus: a lab machine shows the GPUs that the inventory gives it, and none of the machine below.

It is what sysfs shows of a card and no more: no device node, no driver that would answer. An NVIDIA card has no driver,
as on a machine just installed; an Intel GPU has i915, which is part of the kernel.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.site import Machine, Site

PCI = Path("/sys/bus/pci/devices")
# Where such a card usually is, and what it is where the inventory names no id.
PLACES = {"intel": "0000:{:02x}:02.0", "nvidia": "0000:{:02x}:00.0"}
FIRST_BUS = {"intel": 0x00, "nvidia": 0x3B}
IDS = {"intel": "8086:9bc8", "nvidia": "10de:1eb8"}
CLASSES = {"intel": "0x030000", "nvidia": "0x030200"}
DRIVERS = {"intel": "i915"}


def volume(site: Site, machine: Machine) -> str | None:
    """The bind mount that shows a machine its bus; None on a kernel that has no such bus to cover."""
    return f"{_folder(site, machine)}:{PCI}:ro" if PCI.is_dir() else None


def have_bus(site: Site, machine: Machine) -> None:
    """The machine's bus is in the lab's folder; the folder itself stays, since a machine that runs has it mounted."""
    folder = _folder(site, machine)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = _devices(machine.variables)
    for old in folder.iterdir():
        if old.name not in wanted:
            shutil.rmtree(old)
    for address, (vendor, pci_id) in wanted.items():
        _write_device(folder / address, vendor, pci_id)


def _folder(site: Site, machine: Machine) -> Path:
    return (site.state / "pci" / machine.name).resolve()


def _devices(variables: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Address -> vendor and id of each described GPU."""
    count: dict[str, int] = {}
    devices = {}
    for gpu in (variables.get("homelab_machine") or {}).get("gpus") or []:
        vendor = gpu.get("vendor")
        if vendor in PLACES:
            bus = FIRST_BUS[vendor] + count.setdefault(vendor, 0)
            count[vendor] += 1
            devices[PLACES[vendor].format(bus)] = (vendor, gpu.get("pci_id") or IDS[vendor])
    return devices


def _write_device(folder: Path, vendor: str, pci_id: str) -> None:
    folder.mkdir(exist_ok=True)
    vendor_id, _colon, device_id = pci_id.partition(":")
    for name, text in {"class": CLASSES[vendor], "vendor": f"0x{vendor_id}", "device": f"0x{device_id}"}.items():
        (folder / name).write_text(f"{text}\n")
    if vendor in DRIVERS:
        link = folder / "driver"
        link.unlink(missing_ok=True)
        link.symlink_to(f"../../drivers/{DRIVERS[vendor]}")
        for node in ("card0", "renderD128"):
            (folder / "drm" / node).mkdir(parents=True, exist_ok=True)
