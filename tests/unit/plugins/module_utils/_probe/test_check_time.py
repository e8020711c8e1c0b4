# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A time server's answer (RFC 5905), from a server in the test."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe import check_time


def answer(ahead: float, first: int = 0x24, stratum: int = 2) -> bytes:
    moment = time.time() + ahead + check_time.EPOCH
    stamp = struct.pack("!II", int(moment), int(moment % 1 * 2**32))
    return struct.pack("!BB30x", first, stratum) + stamp + stamp


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Answers with what the list holds; without anything it is silent."""
    answers: list[bytes] = []
    place = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    place.bind(("127.0.0.1", 0))
    port = place.getsockname()[1]
    monkeypatch.setattr(check_time, "PORT", port)

    def serve() -> None:
        while True:
            data, peer = place.recvfrom(100)
            if data == b"end":
                return
            if answers:
                place.sendto(answers[0], peer)

    thread = threading.Thread(target=serve)
    thread.start()
    yield answers
    place.sendto(b"end", ("127.0.0.1", port))
    thread.join()
    place.close()


@pytest.mark.parametrize("ahead", [0.0, 300.0, -7.5])
def test_offset(server: list[bytes], ahead: float) -> None:
    server.append(answer(ahead))
    found = check_time.offset("127.0.0.1")
    assert found is not None and abs(found - ahead) < 0.5


@pytest.mark.parametrize(
    "data", [answer(0, stratum=0), answer(0, first=0xE4), b"short"], ids=["kiss", "alarm", "short"]
)
def test_a_server_without_the_time_is_none(server: list[bytes], data: bytes) -> None:
    server.append(data)
    assert check_time.offset("127.0.0.1", 0.6) is None


def test_silence_is_none(server: list[bytes]) -> None:
    assert check_time.offset("127.0.0.1", 0.3) is None
