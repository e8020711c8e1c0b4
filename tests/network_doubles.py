# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Doubles of what a house has besides its machines: TCP ports that take connections, an NFS server, a name server, a
time server.

Plain Python without imports of ours, so that it also runs inside machines of the lab:
python3 network_doubles.py tcp=179,5000 nfs=2049 dns ntp=0
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

EPOCH = 2208988800


def take_connections(server: socket.socket) -> None:
    """Accept and close, as much of a service as a probe of TCP sees."""
    while True:
        connection, _peer = server.accept()
        connection.close()


def answer_calls(server: socket.socket) -> None:
    """NFS as far as its empty call goes (RFC 5531): every call is accepted."""
    while True:
        connection, _peer = server.accept()
        # one that was cut off holds up no other
        threading.Thread(target=answer_call, args=(connection,), daemon=True).start()


def answer_call(connection: socket.socket) -> None:
    """One call, whatever it is."""
    with connection, contextlib.suppress(OSError):
        call = connection.recv(4096)
        if len(call) >= 8:
            reply = call[4:8] + struct.pack("!5I", 1, 0, 0, 0, 0)
            connection.sendall(struct.pack("!I", 0x80000000 | len(reply)) + reply)


def answer_names(server: socket.socket) -> None:
    """Say of every name that it does not exist, which is an answer."""
    while True:
        data, peer = server.recvfrom(2048)
        server.sendto(data[:2] + b"\x81\x83" + data[4:6] + bytes(6) + data[12:], peer)


def tell_time(server: socket.socket, ahead: float) -> None:
    """NTP with a clock that many seconds ahead of this machine's."""
    while True:
        _data, peer = server.recvfrom(2048)
        moment = time.time() + ahead + EPOCH
        stamp = struct.pack("!II", int(moment), int(moment % 1 * 2**32))
        server.sendto(struct.pack("!BB30x", 0x24, 2) + stamp + stamp, peer)


def datagrams(port: int) -> socket.socket:
    """A socket on a UDP port."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("0.0.0.0", port))
    return server


def main(arguments: list[str]) -> None:
    """Serve until killed; TCP ports come last, so that everything is there when one of them answers."""
    work: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
    for argument in sorted(arguments):
        kind, _sign, value = argument.partition("=")
        if kind == "dns":
            work.append((answer_names, (datagrams(53),)))
        elif kind == "ntp":
            work.append((tell_time, (datagrams(123), float(value or 0))))
        elif kind == "nfs":
            work.append((answer_calls, (socket.create_server(("0.0.0.0", int(value))),)))
        elif kind == "tcp":
            work += [(take_connections, (socket.create_server(("0.0.0.0", int(port))),)) for port in value.split(",")]
    for function, details in work:
        threading.Thread(target=function, args=details).start()


if __name__ == "__main__":
    main(sys.argv[1:])
