# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: whether a name server answers."""

# Nothing of Ansible here, and no other file of ours: node_health copies this one to hosts as it is.
from __future__ import annotations

import os
import socket
import struct
import time
from pathlib import Path

CODES = {0: "answers", 2: "server failure", 3: "answers", 5: "refused"}


def configured(root: Path) -> list[str]:
    """Name servers of the machine: those behind systemd-resolved's stub, where it is used."""
    for name in ("run/systemd/resolve/resolv.conf", "etc/resolv.conf"):
        path = root / name
        if path.exists():
            words = [line.split() for line in path.read_text(errors="replace").splitlines()]
            return [word[1] for word in words if len(word) > 1 and word[0] == "nameserver" and ":" not in word[1]]
    return []


def question(identity: int, name: str) -> bytes:
    """A query for the address of a name."""
    labels = b"".join(bytes([len(label)]) + label.encode("idna") for label in name.rstrip(".").split("."))
    return struct.pack("!6H", identity, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)


def ask(server: str, name: str, seconds: float = 2.0, tries: int = 3) -> str:
    """What became of a query: answers (even that there is no such name), or how it failed."""
    result = "timeout"
    for _turn in range(tries):
        identity = int.from_bytes(os.urandom(2), "big")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.settimeout(seconds / tries)
            try:
                sender.connect((server, 53))
                sender.send(question(identity, name))
                return _result(_matching(sender, identity, time.monotonic() + seconds / tries))
            except socket.timeout:
                result = "timeout"
            except ConnectionRefusedError:
                result = "refused"
            except OSError:
                result = "unreachable"
    return result


def _matching(sender: socket.socket, identity: int, end: float) -> bytes:
    while True:
        data = sender.recv(2048)
        if len(data) >= 12 and struct.unpack_from("!H", data)[0] == identity:
            return data
        if time.monotonic() > end:
            raise socket.timeout


def _result(data: bytes) -> str:
    return CODES.get(data[3] & 15, "server failure")
