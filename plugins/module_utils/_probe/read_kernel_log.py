# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: network adapters that vanished or hung, by the kernel's log."""

# Nothing of Ansible here, and no other file of ours: node_health copies this one to hosts as it is.
from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from typing import Any

# What a failing USB adapter leaves behind (facts I9). The interface, where the line names one, is the group.
KINDS = {
    "usb reset": re.compile(r"usb [\d.-]+: reset (?:low|full|high|super)\S*speed USB device", re.IGNORECASE),
    "usb disconnect": re.compile(r"usb [\d.-]+: USB disconnect, device number"),
    "unregistered": re.compile(r"(?P<interface>\S+): unregister '\S+' usb-\S+"),
    "transmit timeout": re.compile(r"NETDEV WATCHDOG: (?:CPU: \d+: )?(?P<interface>\S+?):? \(|r8152 .*Tx timeout"),
    "failed reset": re.compile(r"r8152 .*(?:Failed to reset|get_registers -\d+|set_registers -\d+)"),
    "link down": re.compile(r"\b(?P<interface>e\w+):? (?:carrier off|(?:NIC )?Link is down)", re.IGNORECASE),
}
# What Cilium prints for every pod that starts: never a cause (incident I-01).
NORMAL = re.compile(r"renamed from tmp\w+|tmp\w+: renamed|\btmp\w+ renamed to|renamed to eth0|\blxc\w+: ")

Event = dict[str, Any]


def events(lines: Iterable[tuple[float, str]]) -> list[Event]:
    """The events in a log of (seconds since boot, message): kind, interface where one is named, time, line."""
    return [event for seconds, line in lines if not NORMAL.search(line) for event in _event(seconds, line)]


def _event(seconds: float, line: str) -> Iterator[Event]:
    for kind, pattern in KINDS.items():
        match = pattern.search(line)
        if match:
            yield {
                "kind": kind,
                "port": _port(line),
                "interface": match.groupdict().get("interface"),
                "seconds": seconds,
                "line": line[:200],
            }
            return


def _port(line: str) -> str | None:
    match = re.search(r"\b(?:usb|r8152|cdc_ncm|cdc_ether|rndis_host|ax88179_178a) (\d+-[\d.]+)", line)
    return match.group(1) if match else None


def kernel_lines(path: str = "/dev/kmsg", limit: float = 1.0) -> list[tuple[float, str]] | None:
    """The kernel's log with seconds since boot; None where the machine does not let us read it."""
    try:
        device = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return _journal_lines()
    lines = []
    end = time.monotonic() + limit
    try:
        while time.monotonic() < end:
            with contextlib.suppress(BrokenPipeError):  # the log was overwritten while it was read: the next is there
                record = os.read(device, 8192).decode("utf-8", "replace")
                if not record:
                    break
                lines.append(_parsed(record))
    except BlockingIOError:
        pass
    except OSError:
        return _journal_lines()
    finally:
        os.close(device)
    return [line for line in lines if line is not None]


def _parsed(record: str) -> tuple[float, str] | None:
    # priority,sequence,microseconds,flags;message (kernel's Documentation/ABI/testing/dev-kmsg)
    head, separator, message = record.partition(";")
    fields = head.split(",")
    if not separator or len(fields) < 3 or not fields[2].isdigit():
        return None
    return int(fields[2]) / 1e6, message.splitlines()[0] if message else ""


def _journal_lines() -> list[tuple[float, str]] | None:
    argv = ["journalctl", "--dmesg", "--boot", "--output=short-monotonic", "--no-pager", "--lines=5000"]
    try:
        run = subprocess.run(argv, capture_output=True, text=True, timeout=3, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    found = (re.match(r"\[\s*(\d+\.\d+)\] \S+ kernel: (.*)", line) for line in run.stdout.splitlines())
    return [(float(match.group(1)), match.group(2)) for match in found if match] if run.returncode == 0 else None
