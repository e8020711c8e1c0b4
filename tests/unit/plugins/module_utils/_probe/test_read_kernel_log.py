# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel's log says of adapters; lines as upstream reports show them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe import read_kernel_log
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.read_kernel_log import events, kernel_lines

FAULTS = [
    ("usb 2-1: reset SuperSpeed USB device number 2 using xhci_hcd", "usb reset", None),
    ("usb 2-1.4: USB disconnect, device number 2", "usb disconnect", None),
    ("r8152 2-1:1.0 enx6c1ff71be8c8: Tx timeout", "transmit timeout", None),
    ("r8152 2-1:1.0 enx6c1ff71be8c8: Failed to reset", "failed reset", None),
    ("NETDEV WATCHDOG: enx6c1ff71be8c8 (r8152): transmit queue 0 timed out", "transmit timeout", "enx6c1ff71be8c8"),
    ("NETDEV WATCHDOG: CPU: 3: eth1 (r8152): transmit queue 0 timed out 5000 ms", "transmit timeout", "eth1"),
    ("cdc_ncm 2-1:2.0 enx6c1ff7: unregister 'cdc_ncm' usb-0000:00:14.0-1, CDC NCM", "unregistered", "enx6c1ff7"),
    ("r8152 2-1:1.0 enx6c1ff71be8c8: carrier off", "link down", "enx6c1ff71be8c8"),
    ("tg3 0000:02:00.0 eno1: Link is down", "link down", "eno1"),
]  # fmt: skip
# QEMU's USB adapter, from its plugging in to its pulling out
PLUGGED = [
    "usb 1-1: new full-speed USB device number 2 using xhci_hcd",
    "usb 1-1: New USB device found, idVendor=0525, idProduct=a4a2, bcdDevice= 0.00",
    "usb 1-1: Product: RNDIS/QEMU USB Network Device",
    "cdc_ether 1-1:1.0 eth0: register 'cdc_ether' at usb-0000:00:01.0-1, CDC Ethernet Device, 6c:1f:f7:1b:e8:c8",
    "usbcore: registered new interface driver rndis_host",
]
PULLED = [
    "usb 1-1: USB disconnect, device number 2",
    "cdc_ether 1-1:1.0 eth0: unregister 'cdc_ether' usb-0000:00:01.0-1, CDC Ethernet Device",
]
NORMAL = [
    "eth0: renamed from tmpe2695",
    "tmpe2695: renamed to eth0",
    "systemd-networkd[1]: tmpe2695 renamed to eth0",
    "lxc12ab34cd56ef: Link is Down",
    "usb 2-1: new SuperSpeed USB device number 2 using xhci_hcd",
]


@pytest.mark.parametrize(("line", "kind", "interface"), FAULTS)
def test_fault(line: str, kind: str, interface: str | None) -> None:
    (event,) = events([(12.5, line)])
    assert (event["kind"], event["interface"], event["seconds"]) == (kind, interface, 12.5)


@pytest.mark.parametrize("line", NORMAL)
def test_what_every_start_of_a_pod_prints_is_no_event(line: str) -> None:
    assert events([(1.0, line)]) == []


def test_life_of_an_adapter() -> None:
    found = events((float(second), line) for second, line in enumerate([*PLUGGED, *PULLED]))
    assert [(event["kind"], event["port"], event["interface"]) for event in found] == [
        ("usb disconnect", "1-1", None),
        ("unregistered", "1-1", "eth0"),
    ]


def test_records_of_the_kernel(tmp_path: Path) -> None:
    log = tmp_path / "kmsg"
    log.write_text("6,1,5000000,-;usb 2-1: USB disconnect, device number 2\n SUBSYSTEM=usb\n")
    assert kernel_lines(str(log), 0.2) == [(5.0, "usb 2-1: USB disconnect, device number 2")]


def test_without_the_device_the_journal_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "journalctl"
    program.write_text("#!/bin/sh\necho '[   12.250000] k3s1 kernel: usb 2-1: USB disconnect, device number 2'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kernel_lines(str(tmp_path / "absent")) == [(12.25, "usb 2-1: USB disconnect, device number 2")]
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert read_kernel_log.kernel_lines(str(tmp_path / "absent")) is None
