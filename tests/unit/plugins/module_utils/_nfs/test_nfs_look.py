# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks that end in time: against real sockets and real processes."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nfs import look
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nfs.look import (
    NfsMount,
    check_mount,
    nfs_mounts,
    ping,
    run_limited,
    try_export,
)

Serve = Callable[[socket.socket], None]
LIMIT = 0.5


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Serve], None]]:
    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(look, "PORT", listener.getsockname()[1])

    def start(answer: Serve) -> None:
        def once() -> None:
            connection, _address = listener.accept()
            with connection:
                answer(connection)

        threading.Thread(target=once, daemon=True).start()

    yield start
    listener.close()


def reply(tail: bytes, *, in_pieces: bool = False) -> Serve:
    def answer(connection: socket.socket) -> None:
        (length,) = struct.unpack(">I", connection.recv(4))
        call = connection.recv(length & 0x7FFFFFFF)
        # what a server is asked: a call of the empty procedure of NFS version 4
        assert struct.unpack(">6I", call[4:28]) == (0, 2, 100003, 4, 0, 0)
        message = struct.pack(">I", 0x80000000 | (4 + len(tail))) + call[:4] + tail
        for piece in [message[:9], message[9:]] if in_pieces else [message]:
            connection.sendall(piece)
            time.sleep(0.02)

    return answer


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_server_of_version_4(serve: Callable[[Serve], None], in_pieces: bool) -> None:
    serve(reply(struct.pack(">5I", 1, 0, 0, 0, 0), in_pieces=in_pieces))
    assert ping("127.0.0.1", LIMIT) == ""


def test_a_server_of_version_3_alone(serve: Callable[[Serve], None]) -> None:
    serve(reply(struct.pack(">7I", 1, 0, 0, 0, 2, 3, 3)))
    assert ping("127.0.0.1", LIMIT) == "it does not offer NFS version 4"


def test_a_server_that_hangs_up_or_says_nothing(serve: Callable[[Serve], None]) -> None:
    serve(lambda connection: None)
    # as the kernel sees it, by whether the call had been read
    assert ping("127.0.0.1", LIMIT) in ("it closed the connection without an answer", "Connection reset by peer")
    serve(lambda connection: time.sleep(5))
    begun = time.monotonic()
    assert ping("127.0.0.1", LIMIT) == "no answer within 0.5 s"
    assert time.monotonic() - begun < 2 * LIMIT + 0.5


def test_nobody_there(serve: Callable[[Serve], None], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setattr(look, "PORT", other.getsockname()[1])
    assert ping("127.0.0.1", LIMIT) == "Connection refused"


def test_a_program_that_never_ends_is_left_behind_in_time() -> None:
    begun = time.monotonic()
    # its child ignores everything but the kill, and holds the output open
    assert run_limited(["sh", "-c", "trap '' TERM INT HUP; sleep 60"], LIMIT) is None
    assert time.monotonic() - begun < LIMIT + 1.5
    assert run_limited(["sh", "-c", "echo said; exit 3"], LIMIT) == (3, "said")


def test_mounts_are_found_in_the_table_alone() -> None:
    table = (
        "/dev/sda1 / ext4 rw 0 0\n"
        "192.0.2.1:/mnt/my\\040media /srv/my\\040media nfs4 rw,vers=4.2,hard 0 0\n"
        "old:/x /x nfs ro 0 0\n"
        "sunrpc /run/rpc_pipefs rpc_pipefs rw 0 0\n"
    )
    assert nfs_mounts(table) == [
        NfsMount("/srv/my media", "192.0.2.1:/mnt/my media", ("rw", "vers=4.2", "hard")),
        NfsMount("/x", "old:/x", ("ro",)),
    ]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((0, "nfs"), ""),
        (None, "no answer within 5 s"),
        ((1, "stat: cannot read file system information for '/x': Stale file handle"), "Stale file handle"),
    ],
)
def test_a_mount_is_alive_or_not(answer: tuple[int, str] | None, why: str) -> None:
    assert check_mount(lambda _argv, _limit: answer, NfsMount("/x", "a:/x", ()), 5) == why


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((0, "nfs"), ""),
        (None, "no answer within 5 s"),
        ((32, ""), "mount ended with status 32"),
        (
            (32, "mount.nfs4: access denied by server while mounting a:/x"),
            "access denied by server while mounting a:/x",
        ),
    ],
)
def test_an_export_is_tried_softly_and_alone(answer: tuple[int, str] | None, why: str) -> None:
    seen: list[list[str]] = []

    def run(argv: object, limit: float) -> tuple[int, str] | None:
        seen.append(list(argv))  # type: ignore[call-overload]
        return answer

    assert try_export(run, "a", "/x", "4.2", 5, Path("/run/t")) == why
    assert seen[0][:4] == ["unshare", "--mount", "--propagation", "private"]
    assert seen[0][-3:] == ["ro,vers=4.2,soft,timeo=25,retrans=1,retry=0", "a:/x", "/run/t"]
