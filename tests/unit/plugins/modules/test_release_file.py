# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""release_file through its main, against a real HTTP server with real faults."""

from __future__ import annotations

import hashlib
import json
import threading
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
    assert result["failed"]
    assert f"sha256sum-amd64.txt says {DIGEST}; the file was thrown away" in result["msg"]
    assert not site.file.exists() and not site.lock.exists()
    site.fault()
    assert site.call(capsys)["sha256"] == DIGEST


def test_truncated_download_says_how_much_came_and_is_continued(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.fault(truncate=5000)
    result = site.call(capsys)
    assert f"broke off after 5000 of {len(CONTENT)} bytes; run again to continue" in result["msg"]
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
    assert f"but the lock {site.lock} says {OTHER}" in result["msg"]
    assert f"remove the line of '{NAME}' from the lock" in result["msg"]
    assert json.loads(site.lock.read_text()) == {NAME: OTHER} and not site.file.exists()


def test_spoilt_cache_is_replaced(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.call(capsys)
    site.file.write_bytes(b"spoilt")
    result = site.call(capsys)
    assert [action["kind"] for action in result["actions"]] == ["discard", "download"]
    assert site.file.read_bytes() == CONTENT


def test_missing_version_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    result = site.call(capsys, version="v9.9.9+k3s1")
    assert "v9.9.9%2Bk3s1/sha256sum-amd64.txt does not exist (404); check that the version is spelled" in result["msg"]


def test_checksum_file_without_the_name_is_refused(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.release(checksums=f"{DIGEST}  k3s-arm64\n")
    assert "names no sha256 for 'k3s'; is it the checksum file of this release?" in site.call(capsys)["msg"]
    assert not site.lock.exists()


def test_failing_server_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.fault(status=503)
    assert "/k3s answered 503 Service Unavailable, expected 200; check the server" in site.call(capsys)["msg"]


def test_unreachable_server_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.base = "http://127.0.0.1:1/x"
    assert "cannot be reached: [Errno 111] Connection refused; check the network" in site.call(capsys)["msg"]


def test_spoilt_lock_is_refused(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.lock.write_text(json.dumps({NAME: "abc"}))
    assert f"has no sha256 for {NAME}; correct or remove these lines" in site.call(capsys)["msg"]
    site.lock.write_text("{")
    assert "is not JSON" in site.call(capsys)["msg"]
