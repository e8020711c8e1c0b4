# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to this machine, and what it listens on."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe import check_tcp

TABLE = """  sl  local_address rem_address   st tx_queue rx_queue
   0: 00000000:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:192C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   2: 1E0AA8C0:192B 150AA8C0:E0F2 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
"""


def test_open_and_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert check_tcp.connect("127.0.0.1", port) == "open"
    assert check_tcp.connect("127.0.0.1", port) == "refused"


def test_no_route_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    # class E has no route and Linux refuses to make one
    assert check_tcp.connect("255.255.255.255", 80, 0.2) == "unreachable"


def test_only_what_others_can_reach_counts_as_listening(tmp_path: Path) -> None:
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/tcp").write_text(TABLE)
    assert check_tcp.listening(tmp_path) == [6443]


def test_connections_to_a_router(tmp_path: Path) -> None:
    (tmp_path / "proc/net").mkdir(parents=True)
    mapped = "   0: 0000000000000000FFFF00001E0AA8C0:9C40 0000000000000000FFFF00000101A8C0:00B3 01 0:0 0:0 0 0 0 1\n"
    (tmp_path / "proc/net/tcp").write_text(TABLE + "   3: 1E0AA8C0:9C41 010AA8C0:00B3 02 0:0 00:0 0 0 0 1 1 0\n")
    (tmp_path / "proc/net/tcp6").write_text("  sl\n" + mapped)
    assert check_tcp.is_connected(tmp_path, "192.168.10.21", 0xE0F2)
    assert check_tcp.is_connected(tmp_path, "192.168.1.1", 179)
    # one that is only being tried, another port, another address
    assert not check_tcp.is_connected(tmp_path, "192.168.10.1", 179)
    assert not check_tcp.is_connected(tmp_path, "192.168.10.21", 179)
    assert not check_tcp.is_connected(tmp_path, "192.168.10.22", 0xE0F2)
