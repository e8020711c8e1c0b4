# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what becomes of a TCP connection."""

# Nothing of Ansible here, and no other file of ours: node_health copies this one to hosts as it is.
from __future__ import annotations

import errno
import re
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EACCES, errno.EPERM)
ESTABLISHED, LISTENING = "01", "0A"  # net/tcp_states.h
ENTRY = re.compile(r"\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) (\S\S) ")


def connect(address: str, port: int, seconds: float = 3.5) -> str:
    """One of open, refused, timeout, unreachable."""
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
        attempt.settimeout(seconds)
        try:
            attempt.connect((address, port))
        except ConnectionRefusedError:
            return "refused"
        except socket.timeout:
            return "timeout"
        except OSError as error:
            if error.errno in UNREACHABLE:
                return "unreachable"
            return "timeout" if time.monotonic() >= end or error.errno == errno.ETIMEDOUT else "refused"
    return "open"


def listening(root: Path) -> list[int]:
    """Ports on which the machine takes connections from others."""
    entries = [entry for entry in _entries(root) if entry[4] == LISTENING and not entry[0].endswith("7F")]
    return sorted({int(port, 16) for _address, port, *_others in entries})


def is_connected(root: Path, address: str, port: int) -> bool:
    """Whether a connection of the machine to that port of that address is established."""
    # the kernel writes addresses as numbers in its own byte order; that of IPv4 ends one of IPv6 that stands for it
    wanted = f"{int.from_bytes(socket.inet_aton(address), sys.byteorder):08X}"
    return any(
        state == ESTABLISHED and place.endswith(wanted) and int(number, 16) == port
        for _own, _port, place, number, state in _entries(root)
    )


def _entries(root: Path) -> Iterator[tuple[str, ...]]:
    """Own address and port, the other side's, and the state of each connection and each listener."""
    for name in ("tcp", "tcp6"):
        path = root / "proc/net" / name
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            match = ENTRY.match(line)
            if match:
                yield match.groups()
