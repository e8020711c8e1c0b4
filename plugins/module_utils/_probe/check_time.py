# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: how far the clock is from a time server's."""

# Nothing of Ansible here, and no other file of ours: node_health copies this one to hosts as it is.
from __future__ import annotations

import socket
import struct
import time

# seconds from 1900, where NTP begins, to 1970 (RFC 5905)
EPOCH = 2208988800
PORT = 123
CLIENT = 0x23  # version 4, mode 3


def offset(server: str, seconds: float = 2.0, tries: int = 3) -> float | None:
    """Seconds that the server's clock is ahead of this one; None when it does not answer with a time."""
    for _turn in range(tries):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.settimeout(seconds / tries)
            try:
                sender.connect((socket.gethostbyname(server), PORT))
                sent = time.time()
                sender.send(struct.pack("!B39xII", CLIENT, *_stamp(sent)))
                answer = sender.recv(256)
            except OSError:
                continue
            result = _offset(answer, sent, time.time())
            if result is not None:
                return result
    return None


def _stamp(moment: float) -> tuple[int, int]:
    return int(moment) + EPOCH & 0xFFFFFFFF, int(moment % 1 * 2**32)


def _moment(data: bytes, place: int) -> float:
    seconds, fraction = struct.unpack_from("!II", data, place)
    return float(seconds - EPOCH + fraction / 2**32)


def _offset(answer: bytes, sent: float, received: float) -> float | None:
    # stratum 0 is a refusal, leap 3 a clock that is not set
    if len(answer) < 48 or answer[0] & 7 != 4 or answer[1] == 0 or answer[0] >> 6 == 3:
        return None
    return ((_moment(answer, 32) - sent) + (_moment(answer, 40) - received)) / 2
