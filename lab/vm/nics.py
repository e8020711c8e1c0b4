# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network adapters of a machine that runs: pulled out of it and put back, and their cables."""

from __future__ import annotations

import time
from pathlib import Path

from lab.errors import LabError
from lab.vm.command_line import nic_device
from lab.vm.hardware import Hardware
from lab.vm.qemu import ask, pid_of

UNPLUG_SECONDS = 20
ACTIONS = ("unplug", "plug", "cable-out", "cable-in")


def change_nic(folder: Path, hardware: Hardware, action: str, name: str | None) -> None:
    """Do something to an adapter; the primary one where none is named."""
    if pid_of(folder) is None:
        raise LabError(f"{folder.name} is off; 'power on' it before an adapter is plugged")
    nics = (hardware.nic, *hardware.others)
    number = next((at for at, nic in enumerate(nics) if name in (None, nic.name)), None)
    if number is None:
        raise LabError(f"{folder.name} has no adapter {name}; its adapters are {', '.join(nic.name for nic in nics)}")
    device = nic_device(nics[number], number)
    if action == "unplug":
        ask(folder, "device_del", id=device["id"])
        _await_gone(folder, device["id"])
    elif action == "plug":
        ask(folder, "device_add", **device)
    else:
        ask(folder, "set_link", name=device["id"], up=action == "cable-in")


def _await_gone(folder: Path, device: str) -> None:
    deadline = time.monotonic() + UNPLUG_SECONDS
    while any(entry["name"] == device for entry in ask(folder, "qom-list", path="/machine/peripheral")):
        if time.monotonic() > deadline:
            raise LabError(f"{folder.name} holds on to {device} after {UNPLUG_SECONDS} s; look at its console")
        time.sleep(0.2)
