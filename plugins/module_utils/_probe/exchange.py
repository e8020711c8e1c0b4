# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: datagrams on the port of VXLAN, from every host to every host, while the probe runs.

Where the kernel's own VXLAN holds the port, datagrams are sent by a raw socket and seen on the wire. That proves the
way between the hosts, but not that the receiver's packet filter lets them in. So they tell the sender's address inside
the tunnel, where it is pinged afterwards.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import socket
import struct
import time
from collections.abc import Iterable
from typing import Any

# The first byte lacks the flag of a valid VXLAN packet (RFC 7348), so that a kernel with VXLAN drops it.
MAGIC = b"\0fhp"
ASK, ANSWER = b"a", b"r"
INTERVAL = 0.25
SETTLE = 0.6
ATTACH_FILTER = 26
IP_PROTOCOL = 0x0800


class Wire:
    """Sends and receives on the port, whoever else holds it."""

    def __init__(self, port: int, interface: str, inside: str = "0.0.0.0") -> None:
        self.port = port
        self.inside = socket.inet_aton(inside)
        # address of a peer -> its own inside the tunnel
        self.told: dict[str, str] = {}
        self.state = "own socket"
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver = self.sender
        # the answering process of a probe just before may still be there; the latest one gets the packets
        self.sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self.sender.bind(("0.0.0.0", port))
        except OSError as error:
            self.sender.close()
            if error.errno != errno.EADDRINUSE:
                raise
            self.state = "on the wire"
            self.sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
            self.receiver = listener(port, interface)

    def send(self, address: str, kind: bytes) -> None:
        """One datagram; that a host is unreachable shows by its silence."""
        data = MAGIC + kind + self.inside
        try:
            if self.state == "own socket":
                self.sender.sendto(data, (address, self.port))
            else:
                # without a checksum, which IPv4 allows
                self.sender.sendto(struct.pack("!4H", self.port, self.port, 8 + len(data), 0) + data, (address, 0))
        except OSError:
            return

    def receive(self, seconds: float) -> tuple[str, bytes]:
        """Who sent which kind of datagram; two empty values when nobody did."""
        if not select.select([self.receiver], [], [], max(0.0, seconds))[0]:
            return "", b""
        try:
            data, source = self.receiver.recvfrom(2048)
        except OSError:  # an answer of the kernel's to something sent before
            return "", b""
        address = str(source[0])
        if self.state == "on the wire":
            address, data = socket.inet_ntoa(data[12:16]), data[(data[0] & 15) * 4 + 8 :]
        if data[:4] != MAGIC:
            return "", b""
        if len(data) >= 9 and any(data[5:9]):
            self.told[address] = socket.inet_ntoa(data[5:9])
        return address, data[4:5]

    def close(self) -> None:
        """Give the port back."""
        self.sender.close()
        self.receiver.close()


def listener(port: int, interface: str) -> socket.socket:
    """A socket that sees our datagrams to the port, and nothing of what the kernel's VXLAN carries."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(IP_PROTOCOL))
    magic = struct.unpack("!I", MAGIC)[0]
    # classic BPF: UDP, to the port, with our first four bytes
    program = [
        (0x30, 0, 0, 9), (0x15, 0, 6, 17), (0xB1, 0, 0, 0), (0x48, 0, 0, 2), (0x15, 0, 3, port),
        (0x40, 0, 0, 8), (0x15, 0, 1, magic), (0x06, 0, 0, 65535), (0x06, 0, 0, 0),
    ]  # fmt: skip
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    wire.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code)))
    wire.bind((interface, IP_PROTOCOL))
    return wire


def exchange(wire: Wire, peers: Iterable[str], seconds: float) -> dict[str, Any]:
    """Which peers' datagrams came in, and which peers answered; ends early when all did both."""
    wanted = set(peers)
    heard: set[str] = set()
    answered: set[str] = set()
    end = time.monotonic() + seconds
    complete: float | None = None
    following = 0.0
    while time.monotonic() < end:
        if time.monotonic() >= following:
            for address in wanted:
                wire.send(address, ASK)
            following = time.monotonic() + INTERVAL
        address, kind = wire.receive(min(following, end) - time.monotonic())
        if address in wanted:
            heard.add(address)
            if kind == ANSWER:
                answered.add(address)
            else:
                wire.send(address, ANSWER)
        if complete is None and wanted <= heard & answered:
            complete = time.monotonic()
        # the others may still wait for an answer to their question
        if complete is not None and time.monotonic() > complete + SETTLE:
            break
    told = {address: inside for address, inside in wire.told.items() if address in wanted}
    return {"state": wire.state, "heard": sorted(heard), "answered": sorted(answered), "told": told}


def linger(wire: Wire, seconds: float) -> None:
    """Answer for some more seconds in a process of its own, for hosts whose turn comes later."""
    if seconds <= 0 or os.fork():
        return
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        end = time.monotonic() + min(seconds, 60.0)
        while (left := end - time.monotonic()) > 0:
            address, kind = wire.receive(left)
            if address and kind == ASK:
                wire.send(address, ANSWER)
    finally:
        os._exit(0)
