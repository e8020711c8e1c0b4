# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what becomes of a TCP connection."""

# Nothing of Ansible here, and no other file of ours: node_health copies this one to hosts as it is.
from __future__ import annotations

import errno
import re
import socket
import time
from pathlib import Path

UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EACCES, errno.EPERM)
LISTENING = "0A"  # net/tcp_states.h


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
    ports = set()
    for name in ("tcp", "tcp6"):
        path = root / "proc/net" / name
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            match = re.match(r"\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ (\S\S) ", line)
            if match and match.group(3) == LISTENING and not match.group(1).endswith("7F"):
                ports.add(int(match.group(2), 16))
    return sorted(ports)
