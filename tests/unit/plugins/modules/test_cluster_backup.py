# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cluster_backup through its main, on a server made of files and of a program in K3s' place."""

from __future__ import annotations

import json
import sqlite3
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup import collect
from ansible_collections.fletcherlabs.homelab.plugins.modules import backup_open, cluster_backup

pyrage = pytest.importorskip("pyrage")

K3S = """#!/usr/bin/python3
import hashlib, pathlib, sys
words = sys.argv[1:]
data = pathlib.Path({data!r})
if words == ["--version"]:
    print("k3s version v1.32.5+k3s1")
elif words[0] == "kubectl":
    print("Namespace <none> kube-system u0")
elif words[:2] == ["etcd-snapshot", "save"]:
    content = b"x" * 512
    if (data / "full").exists():
        sys.exit("level=fatal msg=\\"see server log for details: no space left on device\\"")
    digest = b"0" * 32 if (data / "bad").exists() else hashlib.sha256(content).digest()
    (data / "db/snapshots/homelab-backup-n-1").write_bytes(content + digest)
"""
AGE = """#!/usr/bin/python3
import sys
sys.path[:0] = {path!r}
import pyrage
words = sys.argv[1:]
keys = [pyrage.x25519.Recipient.from_str(words[n + 1]) for n, word in enumerate(words) if word == "--recipient"]
pyrage.encrypt_io(sys.stdin.buffer, open(words[words.index("--output") + 1], "wb"), keys)
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = tmp_path / "server"
    (data / "db/etcd").mkdir(parents=True)
    (data / "db/snapshots").mkdir()
    (data / "tls").mkdir()
    (data / "tls/server-ca.crt").write_text("ca")
    (data / "token").write_text("K10x::server:secret\n")
    for name, text in (("k3s", K3S.format(data=str(data))), ("age", AGE.format(path=sys.path))):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text.replace("/usr/bin/python3", sys.executable))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.setattr(collect, "K3S", str(tmp_path / "bin/k3s"))
    monkeypatch.setattr(cluster_backup, "DATA", data)
    monkeypatch.setattr(cluster_backup, "Server", lambda run: collect.Server(run, data))
    return data


def call(module: Any, capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    with patch_module_args(arguments), pytest.raises(SystemExit):
        module.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def wish(tmp_path: Path, **more: Any) -> dict[str, Any]:
    key = tmp_path / "key"
    if not key.exists():
        key.write_text(f"# created\n{pyrage.x25519.Identity.generate()}\n")
    identity = pyrage.x25519.Identity.from_str(key.read_text().splitlines()[-1])
    return {"site": "home", "recipients": [str(identity.to_public())], "folder": str(tmp_path / "made")} | more


def opening(tmp_path: Path, archive: str, **more: Any) -> dict[str, Any]:
    folder, key = str(tmp_path / "memory"), str(tmp_path / "key")
    version = "v1.32.5+k3s1"
    return {"archive": archive, "identity": key, "folder": folder, "token": "secret", "version": version} | more


def test_an_archive_that_its_recipient_can_open(server: Path, tmp_path: Path, capsys: Any) -> None:
    made = call(cluster_backup, capsys, **wish(tmp_path))
    assert made["changed"] and (made["datastore"], made["objects"]) == ("etcd", 1)
    assert Path(made["path"]).name.startswith("home-2") and made["path"].endswith("-v1.32.5+k3s1.tar.age")
    assert b"secret" not in Path(made["path"]).read_bytes()
    opened = call(backup_open, capsys, **opening(tmp_path, made["path"]))
    assert (opened["sha256"], opened["version"], opened["objects"]) == (made["sha256"], "v1.32.5+k3s1", 1)
    assert Path(opened["path"]).stat().st_mode & 0o777 == 0o600


def test_check_mode_makes_nothing(server: Path, tmp_path: Path, capsys: Any) -> None:
    planned = call(cluster_backup, capsys, **wish(tmp_path), _ansible_check_mode=True)
    assert planned["actions"][0]["sentence"] == "back up the etcd datastore"
    assert not (tmp_path / "made").exists()


def test_a_full_disk_and_a_damaged_snapshot_are_named(server: Path, tmp_path: Path, capsys: Any) -> None:
    (server / "full").touch()
    assert "no space left on device" in call(cluster_backup, capsys, **wish(tmp_path))["msg"]
    (server / "full").unlink()
    (server / "bad").touch()
    assert "homelab-backup-n-1 is damaged" in call(cluster_backup, capsys, **wish(tmp_path))["msg"]
    assert not (tmp_path / "made").exists()


def test_a_copy_in_clear_does_not_outlive_a_failure(
    server: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (server / "db/etcd").rmdir()
    sqlite3.connect(server / "db/state.db").execute("CREATE TABLE t (a)")
    seen = []

    def encrypt(*_: Any) -> None:
        seen.extend((tmp_path / "made").iterdir())
        raise cluster_backup.BackupError("age did not encrypt the backup: no space left on device")

    monkeypatch.setattr(cluster_backup, "encrypt", encrypt)
    assert "no space left on device" in call(cluster_backup, capsys, **wish(tmp_path))["msg"]
    assert [path.name for path in seen] == ["state.db"] and not (tmp_path / "made").exists()


def test_nobody_to_open_it_is_refused(server: Path, tmp_path: Path, capsys: Any) -> None:
    assert "homelab_backup_recipients is empty" in call(cluster_backup, capsys, **wish(tmp_path, recipients=[]))["msg"]
