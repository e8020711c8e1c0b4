# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in's kubelet towards strangers."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.k3s_standin import kubelet_port, pki


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    authority = pki.new_authority("server-ca")
    pair = pki.issue(authority, pki.Subject("k3s1", (), ("server",), ("k3s1", "127.0.0.1")))
    for name, text in (("ca.crt", authority.certificate), ("serving-kubelet.crt", pair.certificate)):
        (tmp_path / name).write_text(text)
    (tmp_path / "serving-kubelet.key").write_text(pair.key)
    server = kubelet_port.start(tmp_path, 0)
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_a_stranger_is_unauthorized_by_the_nodes_own_certificate(port: int, tmp_path: Path) -> None:
    trust = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    # one that never speaks and one that speaks no TLS hold up nobody
    with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)) as other:
        other.sendall(b"GET / HTTP/1.0\r\n\r\n")
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=trust, timeout=10)
        connection.request("GET", "/pods")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (401, b"Unauthorized")
        connection.close()


def test_the_port_is_the_kubelets_unless_an_argument_says_otherwise() -> None:
    assert kubelet_port.port_of([]) == 10250
    assert kubelet_port.port_of(["v=2", "port=1", "port=10260"]) == 10260
