# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release mirror over real HTTP, healthy and faulty."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.mirror.server import MirrorServer

CONTENT = bytes(range(256)) * 40
PATH = "/k3s-io/k3s/releases/download/v1.32.5%2Bk3s1/k3s"
FILE = "k3s-io/k3s/releases/download/v1.32.5+k3s1/k3s"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_bytes(CONTENT)
    return tmp_path


@pytest.fixture
def port(tree: Path) -> Iterator[int]:
    server = MirrorServer(("127.0.0.1", 0), tree)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def get(port: int, path: str = PATH, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path, headers={key.replace("_", "-"): value for key, value in headers.items()})
    response = connection.getresponse()
    try:
        body = response.read()
    except http.client.IncompleteRead as error:
        body = error.partial
    return response.status, dict(response.getheaders()), body


def order(tree: Path, fault: dict[str, Any]) -> None:
    (tree / "faults.json").write_text(json.dumps({f"/{FILE}": fault}))


def test_whole_file_at_the_escaped_path(port: int) -> None:
    status, headers, body = get(port)
    assert (status, body, headers["Content-Length"]) == (200, CONTENT, str(len(CONTENT)))


def test_head_has_no_body(port: int) -> None:
    status, headers, body = get(port, method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(CONTENT)))


def test_range_continues_where_it_is_told(port: int) -> None:
    status, headers, body = get(port, Range="bytes=1000-")
    assert (status, body) == (206, CONTENT[1000:])
    assert headers["Content-Range"] == f"bytes 1000-{len(CONTENT) - 1}/{len(CONTENT)}"


def test_range_of_a_changed_file_sends_the_whole(port: int) -> None:
    status, _headers, body = get(port, Range="bytes=1000-", If_Range='"another"')
    assert (status, body) == (200, CONTENT)


def test_range_beyond_the_end_is_refused(port: int) -> None:
    assert get(port, Range=f"bytes={len(CONTENT)}-")[0] == 416


def test_paths_outside_the_tree_and_the_fault_file_are_not_served(port: int, tree: Path) -> None:
    order(tree, {})
    assert get(port, "/../../etc/passwd")[0] == 404
    assert get(port, "/faults.json")[0] == 404


def test_fault_status(port: int, tree: Path) -> None:
    order(tree, {"status": 503})
    assert get(port)[0] == 503


def test_fault_truncate_announces_the_whole_and_sends_a_part(port: int, tree: Path) -> None:
    order(tree, {"truncate": 500})
    _status, headers, body = get(port)
    assert (headers["Content-Length"], body) == (str(len(CONTENT)), CONTENT[:500])


def test_fault_rate_sends_all_but_slowly(port: int, tree: Path) -> None:
    order(tree, {"rate": len(CONTENT) * 2})
    started = time.monotonic()
    assert get(port)[2] == CONTENT
    assert time.monotonic() - started >= 0.4


def test_fault_flip_byte_changes_that_byte_alone(port: int, tree: Path) -> None:
    order(tree, {"flip_byte": 700})
    body = get(port)[2]
    assert [index for index in range(len(CONTENT)) if body[index] != CONTENT[index]] == [700]
