# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup import archive
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.manifest import BackupError, Manifest

CONTENT = b"data" * 1000


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    files = {"snapshot": archive.digest(source), "server/tls/etcd/ca.crt": archive.digest(source)}
    manifest = Manifest("s", "now", "v1.32.5+k3s1", "etcd", "u", files, ())
    path = tmp_path / "backup.tar"
    with path.open("wb") as stream:
        archive.write(stream, manifest, dict.fromkeys(files, source))
    return path


def test_what_is_packed_comes_out_again_for_its_owner_alone(packed: Path, tmp_path: Path) -> None:
    manifest = archive.unpack(packed, tmp_path / "out")
    assert manifest == archive.read_manifest(packed)
    place = tmp_path / "out/server/tls/etcd/ca.crt"
    assert place.read_bytes() == CONTENT and place.stat().st_mode & 0o777 == 0o600
    assert archive.member(packed, "snapshot") == CONTENT


def test_a_changed_member_is_named(packed: Path, tmp_path: Path) -> None:
    text = packed.read_bytes()
    at = text.rindex(CONTENT)
    packed.write_bytes(text[:at] + b"X" + text[at + 1 :])
    with pytest.raises(BackupError, match="differs from its manifest"):
        archive.unpack(packed, tmp_path / "out")
    with pytest.raises(BackupError, match="differs from its manifest"):
        archive.verify(packed)


def test_a_backup_that_was_cut_off_is_named_without_unpacking_it(packed: Path) -> None:
    assert archive.verify(packed) == archive.read_manifest(packed)
    content = packed.read_bytes()
    packed.write_bytes(content[: content.rindex(CONTENT) + 100])
    with pytest.raises(BackupError, match=r"take another backup"):
        archive.verify(packed)


@pytest.mark.parametrize("content", [b"", b"no archive", b"\0" * 2048])
def test_what_is_no_archive_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "backup.tar"
    path.write_bytes(content)
    with pytest.raises(BackupError):
        archive.read_manifest(path)


@pytest.mark.parametrize(("name", "kind"), [("../evil", b"0"), ("/evil", b"0"), ("link", b"2"), ("stranger", b"0")])
def test_nothing_leads_outside(packed: Path, tmp_path: Path, name: str, kind: bytes) -> None:
    with tarfile.open(packed, "a") as tar:
        header = tarfile.TarInfo(name)
        header.type, header.linkname, header.size = kind, "/etc/passwd", 0
        tar.addfile(header, io.BytesIO())
    with pytest.raises(BackupError, match="which its manifest does not list"):
        archive.unpack(packed, tmp_path / "out")


def test_a_snapshot_proves_itself(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(CONTENT + hashlib.sha256(CONTENT).digest())
    archive.verify_snapshot(path)
    for damaged in (b"", CONTENT, CONTENT + b"0" * 32):
        path.write_bytes(damaged)
        with pytest.raises(BackupError, match="damaged"):
            archive.verify_snapshot(path)
