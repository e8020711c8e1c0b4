# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Datagrams between addresses of this machine; between machines, and with the port held, in test_faults.py."""

from __future__ import annotations

import socket
import threading
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe import exchange
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.exchange import ANSWER, ASK, Wire


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as place:
        place.bind(("127.0.0.1", 0))
        port: int = place.getsockname()[1]
        return port


def test_ends_early_when_everybody_was_heard_and_answered() -> None:
    port = free_port()
    wire = Wire(port, "lo")
    try:
        result = exchange.exchange(wire, ["127.0.0.1"], 5)
    finally:
        wire.close()
    assert result == {"state": "own socket", "heard": ["127.0.0.1"], "answered": ["127.0.0.1"], "told": {}}


def test_the_address_inside_the_tunnel_is_told() -> None:
    wire = Wire(free_port(), "lo", "10.42.1.7")
    try:
        assert exchange.exchange(wire, ["127.0.0.1"], 5)["told"] == {"127.0.0.1": "10.42.1.7"}
    finally:
        wire.close()


def test_silence_is_bounded() -> None:
    wire = Wire(free_port(), "lo")
    try:
        result = exchange.exchange(wire, ["127.255.255.254"], 0.5)
    finally:
        wire.close()
    assert result["heard"] == [] or result["heard"] == ["127.255.255.254"]


def test_lingering_process_answers_and_ends() -> None:
    port = free_port()
    wire = Wire(port, "lo")
    exchange.linger(wire, 1.0)
    wire.close()
    answers: list[Any] = []

    def ask() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as place:
            place.settimeout(2)
            # as a probe that comes right after another one
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            place.bind(("127.0.0.2", port))
            place.sendto(exchange.MAGIC + ASK, ("127.0.0.1", port))
            answers.append(place.recv(64))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert answers == [exchange.MAGIC + ANSWER + bytes(4)]


def test_first_byte_is_no_vxlan() -> None:
    assert not exchange.MAGIC[0] & 0x08
