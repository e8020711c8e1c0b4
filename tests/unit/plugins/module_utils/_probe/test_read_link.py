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


def test_a_bond_says_what_it_runs_on_and_its_parts_keep_their_own_addresses(tmp_path: Path) -> None:
    for name, mac in (("bond0", "aa"), ("enx1", "aa"), ("eno1", "aa")):
        interface(tmp_path, name, address=mac)
    net = tmp_path / "sys/class/net"
    for name, mac in (("enx1", "aa"), ("eno1", "bb")):
        (net / name / "bonding_slave").mkdir()
        (net / name / "bonding_slave/perm_hwaddr").write_text(f"{mac}\n")
    (net / "bond0/bonding").mkdir()
    files = {"mode": "active-backup 1", "active_slave": "eno1", "primary": "enx1", "slaves": "enx1 eno1"}
    for file, text in files.items():
        (net / "bond0/bonding" / file).write_text(f"{text}\n")
    found = links(tmp_path)
    assert found["bond0"]["bond"] == {"active": "eno1", "primary": "enx1", "parts": ["eno1", "enx1"]}
    assert [found[name]["mac"] for name in ("enx1", "eno1")] == ["aa", "bb"]
    assert found["eno1"]["bond"] is None
    (net / "bond0/bonding/mode").write_text("802.3ad 4\n")
    assert links(tmp_path)["bond0"]["bond"] is None
