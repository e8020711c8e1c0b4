# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interfaces as sysfs describes them."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.read_link import links


def interface(root: Path, name: str, **files: str) -> Path:
    folder = root / "sys/class/net" / name
    (folder / "statistics").mkdir(parents=True)
    for file, text in files.items():
        (folder / file).write_text(f"{text}\n")
    return folder


def test_a_usb_adapter_that_negotiated_too_little(tmp_path: Path) -> None:
    folder = interface(
        tmp_path, "enx1", address="6c:1f:f7:1b:e8:c8", flags="0x1003", carrier="1", operstate="up", speed="100",
        duplex="half", mtu="1500", carrier_changes="7",
    )  # fmt: skip
    (folder / "statistics/rx_crc_errors").write_text("12\n")
    (tmp_path / "bus/usb").mkdir(parents=True)
    (folder / "device").mkdir()
    (folder / "device/subsystem").symlink_to(tmp_path / "bus/usb")
    found = links(tmp_path)["enx1"]
    assert (found["up"], found["carrier"], found["speed"], found["duplex"]) == (True, True, 100, "half")
    assert (found["mtu"], found["carrier_changes"], found["bus"]) == (1500, 7, "usb")
    assert found["errors"]["rx_crc_errors"] == 12 and found["errors"]["tx_errors"] == 0


def test_what_the_driver_does_not_know_is_none(tmp_path: Path) -> None:
    interface(tmp_path, "eth0", flags="0x1002", operstate="down", speed="-1", duplex="unknown")
    found = links(tmp_path)["eth0"]
    assert (found["up"], found["carrier"], found["speed"], found["duplex"]) == (False, None, None, None)


def test_only_interfaces_count(tmp_path: Path) -> None:
    interface(tmp_path, "lo")
    (tmp_path / "sys/class/net/bonding_masters").write_text("bond0\n")
    assert links(tmp_path) == {}
    assert links(tmp_path / "nothing") == {}
