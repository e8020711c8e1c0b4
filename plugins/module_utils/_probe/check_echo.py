# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: loss and path MTU to other machines by ICMP echo."""

# Nothing of Ansible here, and no other file of ours: node_health copies this one to hosts as it is.
from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Iterable
from typing import Any

# linux/in.h: never fragment, and do not let what was learnt of a path limit what is sent
MTU_DISCOVER, PROBE = 10, 3
REQUEST, REPLY = 8, 0
IP_HEADER, ICMP_HEADER = 20, 8
COUNT = 20
INTERVAL = 0.05


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def packet(identity: int, sequence: int, size: int) -> bytes:
    """An echo request of so many bytes, the IP header counted."""
    body = b"\0" * max(0, size - IP_HEADER - ICMP_HEADER)
    head = struct.pack("!BBHHH", REQUEST, 0, 0, identity, sequence)
    return struct.pack("!BBHHH", REQUEST, 0, checksum(head + body), identity, sequence) + body


def echo(targets: Iterable[str], size: int, count: int = COUNT, patience: float = 1.0) -> dict[str, dict[str, Any]]:
    """Address -> how many requests of that size were sent and answered, and why sending failed, if it did."""
    found: dict[str, dict[str, Any]] = {target: {"sent": 0, "answered": 0, "error": None} for target in targets}
    identity = int.from_bytes(os.urandom(2), "big")
    seen: set[tuple[str, int]] = set()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as wire:
        wire.setsockopt(socket.IPPROTO_IP, MTU_DISCOVER, PROBE)
        wire.setblocking(False)
        for sequence in range(count):
            for target, result in found.items():
                _send(wire, target, packet(identity, sequence, size), result)
            _collect(wire, identity, seen, time.monotonic() + INTERVAL, None)
        _collect(wire, identity, seen, time.monotonic() + patience, len(found) * count)
    for target, result in found.items():
        result["answered"] = sum(1 for address, _sequence in seen if address == target)
    return found


def _send(wire: socket.socket, target: str, data: bytes, result: dict[str, Any]) -> None:
    result["sent"] += 1
    try:
        wire.sendto(data, (target, 0))
    except OSError as error:
        result["error"] = os.strerror(error.errno or 0)


def _collect(wire: socket.socket, identity: int, seen: set[tuple[str, int]], end: float, enough: int | None) -> None:
    while (left := end - time.monotonic()) > 0 and (enough is None or len(seen) < enough):
        if not select.select([wire], [], [], left)[0]:
            return
        data, (address, _port) = wire.recvfrom(65535)
        start = (data[0] & 15) * 4
        if len(data) < start + 8:
            continue
        kind, _code, _sum, found, sequence = struct.unpack_from("!BBHHH", data, start)
        if kind == REPLY and found == identity:
            seen.add((address, sequence))
