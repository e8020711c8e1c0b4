# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters of a virtual machine are pulled out and put back by QEMU's own protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.errors import LabError
from lab.vm import nics
from lab.vm.hardware import Hardware, hardware_of

NICS = [
    {"name": "enx0", "mac": "00:00:5e:00:53:01", "bus": "usb", "primary": True},
    {"name": "eno1", "mac": "00:00:5e:00:53:02", "bus": "pci"},
]


class Machine:
    """Remembers what it was asked; an adapter is gone at the second look."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def ask(self, _folder: Path, command: str, **arguments: Any) -> Any:
        self.asked.append((command, arguments))
        looks = sum(name == "qom-list" for name, _ in self.asked)
        return [{"name": "nic0"}] if command == "qom-list" and looks < 2 else []


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(nics, "ask", machine.ask)
    monkeypatch.setattr(nics, "pid_of", lambda _folder: 1)
    return machine


@pytest.fixture
def hardware() -> Hardware:
    return hardware_of("k3s1", {"homelab_machine": {"nics": NICS}})


@pytest.mark.parametrize(
    ("action", "name", "asked"),
    [
        ("unplug", None, ("device_del", {"id": "nic0"})),
        ("plug", None, ("device_add", {"driver": "usb-net", "bus": "usb.0", "netdev": "lan",
                                       "mac": "00:00:5e:00:53:01", "id": "nic0"})),
        ("cable-out", "eno1", ("set_link", {"name": "nic1", "up": False})),
        ("cable-in", "eno1", ("set_link", {"name": "nic1", "up": True})),
    ],
)  # fmt: skip
def test_an_adapter_is_told_to_qemu_by_its_id(
    machine: Machine, hardware: Hardware, action: str, name: str | None, asked: tuple[str, dict[str, Any]]
) -> None:
    nics.change_nic(Path("k3s1"), hardware, action, name)
    assert machine.asked[0] == asked
    assert [command for command, _ in machine.asked[1:]] == (["qom-list", "qom-list"] if action == "unplug" else [])


@pytest.mark.usefixtures("machine")
def test_an_adapter_that_is_not_there_is_refused_with_those_that_are(hardware: Hardware) -> None:
    with pytest.raises(LabError, match="k3s1 has no adapter eno9; its adapters are enx0, eno1"):
        nics.change_nic(Path("k3s1"), hardware, "unplug", "eno9")


def test_a_machine_that_is_off_has_nothing_to_pull(hardware: Hardware, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nics, "pid_of", lambda _folder: None)
    with pytest.raises(LabError, match="k3s1 is off; 'power on' it"):
        nics.change_nic(Path("k3s1"), hardware, "plug", None)
