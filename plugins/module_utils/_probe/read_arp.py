# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: who answers for an address on the wire (ARP)."""

# Nothing of Ansible here, and no other file of ours: node_health copies this one to hosts as it is.
from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterable

ARP = 0x0806
ETHERNET, IPV4, ASK, ANSWER = 1, 0x0800, 1, 2
BROADCAST = b"\xff" * 6
NOBODY = "0.0.0.0"


def who_has(
    interface: str, mac: str, source: str, targets: Iterable[str], seconds: float = 1.5, rounds: int = 3
) -> dict[str, list[str]]:
    """Address -> the MAC addresses that answered for it, none where nobody did.

    The machine's own address is asked for without a sender's address, as RFC 5227 probes for duplicates.
    """
    found: dict[str, set[str]] = {target: set() for target in targets}
    own = bytes.fromhex(mac.replace(":", ""))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ARP)) as wire:
        wire.bind((interface, ARP))
        end = time.monotonic() + seconds
        for turn in range(rounds):
            for target in found:
                # after an answer the second round still looks for another machine that answers later
                wire.send(request(own, NOBODY if target == source else source, target))
            _listen(wire, own, found, end if turn == rounds - 1 else time.monotonic() + seconds / rounds)
    return {target: sorted(macs) for target, macs in found.items()}


def request(own: bytes, source: str, target: str) -> bytes:
    """The frame that asks everybody."""
    head = BROADCAST + own + struct.pack("!H", ARP)
    fixed = struct.pack("!HHBBH", ETHERNET, IPV4, 6, 4, ASK)
    return head + fixed + own + socket.inet_aton(source) + b"\0" * 6 + socket.inet_aton(target)


def answer(frame: bytes) -> tuple[str, str]:
    """Address and MAC of a frame that is an answer; two empty texts for any other."""
    if len(frame) < 42 or struct.unpack_from("!H", frame, 20)[0] != ANSWER:
        return "", ""
    return socket.inet_ntoa(frame[28:32]), ":".join(f"{byte:02x}" for byte in frame[22:28])


def _listen(wire: socket.socket, own: bytes, found: dict[str, set[str]], end: float) -> None:
    while (left := end - time.monotonic()) > 0:
        wire.settimeout(left)
        try:
            frame = wire.recv(128)
        except socket.timeout:
            return
        address, mac = answer(frame)
        if address in found and frame[22:28] != own:
            found[address].add(mac)
