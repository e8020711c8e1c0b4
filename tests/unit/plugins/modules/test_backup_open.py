# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""backup_open through its main, on archives encrypted here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup import archive
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.manifest import Manifest
from ansible_collections.fletcherlabs.homelab.plugins.modules import backup_open

pyrage = pytest.importorskip("pyrage")


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """An archive, and the key that opens it beside."""
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(f"{identity}\n")
    token = tmp_path / "token"
    token.write_text("K10x::server:secret\n")
    files = {"server/token": archive.digest(token)}
    plain = tmp_path / "plain.tar"
    with plain.open("wb") as stream:
        manifest = Manifest("home", "2025-06-14T12:00:00+00:00", "v1.32.5+k3s1", "etcd", "u", files, ())
        archive.write(stream, manifest, {"server/token": token})
    path = tmp_path / "home-1.tar.age"
    pyrage.encrypt_file(str(plain), str(path), [identity.to_public()])
    return path


def call(backup: Path, capsys: pytest.CaptureFixture[str], **more: Any) -> dict[str, Any]:
    folder = backup.parent
    arguments = {
        "archive": str(backup),
        "identity": str(folder / "key"),
        "folder": str(folder / "memory"),
        "token": "secret",
        "version": "v1.32.5+k3s1",
    }
    with patch_module_args(arguments | more), pytest.raises(SystemExit):
        backup_open.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def left(backup: Path) -> list[Path]:
    return [path for path in (backup.parent / "memory").rglob("*") if path.is_file()]


def test_opened_and_in_check_mode_looked_at_only(backup: Path, capsys: Any) -> None:
    opened = call(backup, capsys)
    assert (opened["name"], opened["datastore"]) == (backup.name, "etcd")
    assert not opened["changed"] and [str(path) for path in left(backup)] == [opened["path"]]
    assert call(backup, capsys, _ansible_check_mode=True)["path"] is None
    assert left(backup) == []


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"token": "wrong"}, "encrypted with another server token than the inventory's"),
        ({"version": "v1.31.9+k3s1"}, "a datastore goes to the same or a newer minor version only"),
        ({"archive": "/nowhere"}, "there is no backup /nowhere"),
        ({"identity": "/nowhere"}, "/nowhere holds no age identity"),
    ],
)
def test_refusals_leave_nothing_decrypted(backup: Path, capsys: Any, more: dict[str, Any], sentence: str) -> None:
    assert sentence in call(backup, capsys, **more)["msg"]
    assert left(backup) == []


def test_a_wrong_key_and_a_damaged_archive_are_one_sentence(backup: Path, capsys: Any) -> None:
    good = (backup.parent / "key").read_text()
    (backup.parent / "key").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    assert "it is damaged, or for another key" in call(backup, capsys)["msg"]
    (backup.parent / "key").write_text("no key")
    assert "holds no age identity" in call(backup, capsys)["msg"]
    (backup.parent / "key").write_text(good)
    content = bytearray(backup.read_bytes())
    content[-20] ^= 1
    backup.write_bytes(bytes(content))
    assert "it is damaged, or for another key" in call(backup, capsys)["msg"]
    assert left(backup) == []
