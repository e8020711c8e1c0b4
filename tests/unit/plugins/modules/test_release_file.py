# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""release_file through its main, against a real HTTP server with real faults."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._release import fetch
from ansible_collections.fletcherlabs.homelab.plugins.modules import release_file
from lab.mirror.server import MirrorServer

NAME = "k3s/v1.32.5+k3s1/k3s"
FOLDER = "k3s-io/k3s/releases/download/v1.32.5+k3s1"
CONTENT = bytes(range(256)) * 400
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OTHER = "0" * 64


class Site:
    """A mirror, a lock and a cache."""

    def __init__(self, root: Path, port: int) -> None:
        self.tree, self.lock, self.cache = root / "tree", root / "lock.json", root / "cache"
        self.base = f"http://127.0.0.1:{port}/{FOLDER}"
        self.file = self.cache / NAME

    def release(self, content: bytes = CONTENT, checksums: str | None = None) -> None:
        folder = self.tree / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "k3s").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        (folder / "sha256sum-amd64.txt").write_text(f"{digest}  k3s\n" if checksums is None else checksums)

    def url(self, name: str) -> str:
        """The address as it goes over the wire."""
        return f"{self.base}/{name}".replace("+", "%2B")

    def fault(self, **kinds: Any) -> None:
        (self.tree / "faults.json").write_text(json.dumps({f"/{FOLDER}/k3s": kinds}))

    def call(
        self, capsys: pytest.CaptureFixture[str], check: bool = False, version: str = "v1.32.5+k3s1"
    ) -> dict[str, Any]:
        base = self.base.replace("v1.32.5+k3s1", version)
        arguments = {
            "name": NAME,
            "url": f"{base}/k3s",
            "checksum_url": f"{base}/sha256sum-amd64.txt",
            "checksum_name": "k3s",
            "lock": str(self.lock),
            "cache": str(self.cache),
            "_ansible_check_mode": check,
        }
        with patch_module_args(arguments), pytest.raises(SystemExit):
            release_file.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result


@contextlib.contextmanager
def rude_server(answer: bytes, reset: bool = False) -> Iterator[str]:
    """A server that sends these bytes to everybody and hangs up, by a reset if asked."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _peer = listener.accept()
                connection.recv(4096)
                connection.sendall(answer)
                if reset:
                    # what was sent must be read before the reset throws it away
                    time.sleep(0.1)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(fetch, "PAUSE_SECONDS", 0.0)
    (tmp_path / "tree").mkdir()
    server = MirrorServer(("127.0.0.1", 0), tmp_path / "tree")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = Site(tmp_path, server.server_address[1])
    made.release()
    yield made
    server.shutdown()
    server.server_close()


def test_first_download_is_verified_and_recorded(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    result = site.call(capsys)
    assert result["changed"] and result["path"] == str(site.file) and result["sha256"] == DIGEST
    assert [action["kind"] for action in result["actions"]] == ["download", "record"]
    assert site.file.read_bytes() == CONTENT
    assert json.loads(site.lock.read_text()) == {NAME: DIGEST}
    assert sorted(path.name for path in site.file.parent.iterdir()) == ["k3s", "k3s.busy"]


def test_second_call_needs_no_network(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.call(capsys)
    site.base = "http://127.0.0.1:1/nobody"
    result = site.call(capsys)
    assert not result["changed"] and result["actions"] == []


def test_check_mode_says_the_same_and_writes_nothing(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    result = site.call(capsys, check=True)
    assert result["changed"]
    assert [action["kind"] for action in result["actions"]] == ["download", "record"]
    assert not site.lock.exists() and not site.cache.exists()


def test_flipped_byte_is_refused_and_leaves_nothing(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.fault(flip_byte=1000)
    result = site.call(capsys)
    flipped = CONTENT[:1000] + bytes([CONTENT[1000] ^ 0xFF]) + CONTENT[1001:]
    assert result["failed"]
    assert result["msg"] == (
        f"{site.base}/k3s has sha256 {hashlib.sha256(flipped).hexdigest()}, but {site.base}/sha256sum-amd64.txt says "
        f"{DIGEST}; the file was thrown away: run again, and if it happens again do not trust the server"
    )
    assert not site.file.exists() and not site.lock.exists()
    site.fault()
    assert site.call(capsys)["sha256"] == DIGEST


def test_truncated_download_says_how_much_came_and_is_continued(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.fault(truncate=5000)
    result = site.call(capsys)
    assert result["msg"] == (
        f"{site.url('k3s')} broke off after 5000 of {len(CONTENT)} bytes; run again to continue, or check the server"
    )
    assert (site.file.parent / "k3s.incoming.part").stat().st_size == 5000
    assert not site.file.exists()
    # the first bytes are broken on the server now, so only a continued download can be right
    site.fault(flip_byte=10)
    assert site.call(capsys)["sha256"] == DIGEST


def test_partial_file_of_another_release_is_not_continued(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.fault(truncate=5000)
    site.call(capsys)
    site.release(CONTENT[::-1])
    site.fault()
    assert site.call(capsys)["sha256"] == hashlib.sha256(CONTENT[::-1]).hexdigest()


def test_digest_that_differs_from_the_lock_is_refused(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.lock.write_text(json.dumps({NAME: OTHER}))
    result = site.call(capsys)
    assert result["msg"] == (
        f"{site.base}/k3s has sha256 {DIGEST}, but the lock {site.lock} says {OTHER}; the file was thrown away: "
        f"if the release was really replaced, remove the line of '{NAME}' from the lock"
    )
    assert json.loads(site.lock.read_text()) == {NAME: OTHER} and not site.file.exists()


def test_spoilt_cache_is_replaced(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.call(capsys)
    site.file.write_bytes(b"spoilt")
    result = site.call(capsys)
    assert [action["kind"] for action in result["actions"]] == ["discard", "download"]
    assert site.file.read_bytes() == CONTENT


def test_missing_version_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    url = site.url("sha256sum-amd64.txt").replace("v1.32.5", "v9.9.9")
    assert site.call(capsys, version="v9.9.9+k3s1")["msg"] == (
        f"nobody can verify {NAME}: the lock does not name it, and {url} does not exist (404); "
        "check that the version is spelled as it was released"
    )


def test_missing_file_of_a_locked_version_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.lock.write_text(json.dumps({NAME: DIGEST}))
    url = site.url("k3s").replace("v1.32.5", "v9.9.9")
    assert site.call(capsys, version="v9.9.9+k3s1")["msg"] == (
        f"{url} does not exist (404); check that the version is spelled as it was released"
    )


def test_checksum_file_without_the_name_is_refused(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.release(checksums=f"{DIGEST}  k3s-arm64\n")
    assert site.call(capsys)["msg"] == (
        f"nobody can verify {NAME}: the lock does not name it, and {site.url('sha256sum-amd64.txt')} names no sha256 "
        "for 'k3s'; is it the checksum file of this release?"
    )
    assert not site.lock.exists() and not site.file.exists()


def test_failing_server_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.fault(status=503)
    assert site.call(capsys)["msg"] == (
        f"{site.url('k3s')} answered 503 Service Unavailable, expected 200; check the server"
    )


def test_unreachable_checksum_file_leaves_nobody_to_verify(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.base = "http://127.0.0.1:1/x"
    assert site.call(capsys)["msg"] == (
        f"nobody can verify {NAME}: the lock does not name it, and http://127.0.0.1:1/x/sha256sum-amd64.txt cannot be "
        "reached: [Errno 111] Connection refused; check the network, or name a mirror"
    )


def test_unreachable_server_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.lock.write_text(json.dumps({NAME: DIGEST}))
    site.base = "http://127.0.0.1:1/x"
    assert site.call(capsys)["msg"] == (
        "http://127.0.0.1:1/x/k3s cannot be reached: [Errno 111] Connection refused; "
        "check the network, or name a mirror"
    )


def test_server_that_is_none_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.lock.write_text(json.dumps({NAME: DIGEST}))
    with rude_server(b"nonsense\r\n\r\n") as base:
        site.base = base
        assert site.call(capsys)["msg"] == (
            f"{base}/k3s cannot be reached: nonsense; check the network, or name a mirror"
        )


def test_connection_that_resets_midway_is_named_and_keeps_what_came(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.lock.write_text(json.dumps({NAME: DIGEST}))
    with rude_server(b'HTTP/1.1 200 OK\r\nContent-Length: 9999\r\nETag: "a"\r\n\r\nabc', reset=True) as base:
        site.base = base
        message = site.call(capsys)["msg"]
    assert message == (
        f"{base}/k3s broke off ([Errno 104] Connection reset by peer); run again to continue, or check the server"
    )
    assert not site.file.exists()


def test_folder_nobody_may_write_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    # not even root makes a folder below a file
    site.cache = site.lock.parent / "file"
    site.cache.write_text("")
    assert site.call(capsys)["msg"] == (
        f"{site.cache / 'k3s'}: Not a directory; give the right to write there, or name another"
    )


def test_full_disk_is_not_taken_for_a_failing_network(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    part = site.file.parent / "k3s.incoming.part"
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    assert site.call(capsys)["msg"] == (
        f"{part} cannot be written (No space left on device); make room or give the right to, or name another folder"
    )
    assert not site.file.exists() and not site.lock.exists()


def test_folder_serves_a_site_without_internet(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.base = f"file://{site.tree}/{FOLDER}"
    assert site.call(capsys)["sha256"] == DIGEST
    assert site.file.read_bytes() == CONTENT


def test_two_runs_do_not_write_one_file_at_once(site: Site) -> None:
    entered = threading.Event()

    def second() -> None:
        with release_file.only_one(str(site.file), rehearsal=False):
            entered.set()

    with release_file.only_one(str(site.file), rehearsal=False):
        waiting = threading.Thread(target=second, daemon=True)
        waiting.start()
        assert not entered.wait(0.2)
    assert entered.wait(5)


def test_spoilt_lock_is_refused(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.lock.write_text(json.dumps({NAME: "abc"}))
    assert f"has no sha256 for {NAME}; correct or remove these lines" in site.call(capsys)["msg"]
    site.lock.write_text("{")
    assert "is not JSON" in site.call(capsys)["msg"]
