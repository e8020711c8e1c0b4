# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore on a server made of files, with commands that do what K3s does there; cut off at each of its steps."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup import archive
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.collect import copy_sqlite, members
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.manifest import BackupError, Manifest
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.restore import Restore

STORE = b"the old cluster"


class Cut(Exception):
    """The power went."""


class Machine:
    """K3s' commands on a server's files; cut after so many of them."""

    def __init__(self, root: Path, cut_after: int = 99) -> None:
        self.data, self.state, self.node = root / "server", root / "state", root / "node"
        self.calls: list[str] = []
        self.cut_after = cut_after

    def run(self, argv: Sequence[str]) -> tuple[int, str, str]:
        if len(self.calls) >= self.cut_after:
            raise Cut
        self.calls.append(" ".join(argv))
        if "--cluster-reset" in argv:
            if (self.data / "db/reset-flag").exists():
                return 1, "", "was previously reset"
            snapshot = Path(argv[-1].partition("=")[2])
            (self.data / "db/etcd").mkdir(parents=True, exist_ok=True)
            (self.data / "db/etcd/db").write_bytes(snapshot.read_bytes()[:-32])
            (self.data / "db/reset-flag").touch()
        return 0, "", ""

    def restore(self, packed: Path) -> Restore:
        restore = Restore(self.run, "digest", self.state, self.data, self.node)
        restore.apply(packed)
        return restore

    def store(self) -> bytes:
        return (self.data / "db/etcd/db").read_bytes()


def pack(folder: Path, datastore: str = "etcd") -> Path:
    """An archive as a server's files give it."""
    old = folder / "old"
    (old / "tls").mkdir(parents=True, exist_ok=True)
    (old / "tls/server-ca.crt").write_text("ca")
    (old / "token").write_text("K10x::server:secret")
    snapshot = folder / "snapshot"
    snapshot.write_bytes(STORE + hashlib.sha256(STORE).digest() if datastore == "etcd" else STORE)
    sources = members(old, snapshot, folder / "none")
    files = {name: archive.digest(path) for name, path in sources.items()}
    path = folder / "backup.tar"
    with path.open("wb") as stream:
        archive.write(stream, Manifest("s", "now", "v", datastore, "u", files, ()), sources)
    return path


def test_a_fresh_server_becomes_the_old_one(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "machine")
    restore = machine.restore(pack(tmp_path))
    assert machine.store() == STORE
    assert (machine.data / "tls/server-ca.crt").read_text() == "ca"
    assert (machine.data / "token").read_text().endswith("secret")
    assert restore.done() and restore.plan() == []
    assert not (tmp_path / "backup.tar").exists()


def test_a_server_keeps_its_own_token(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "machine")
    machine.data.mkdir(parents=True)
    (machine.data / "token").write_text("own")
    machine.restore(pack(tmp_path))
    assert (machine.data / "token").read_text() == "own"
    assert not (machine.data / "tls").exists()


@pytest.mark.parametrize("cut_after", [0, 1])
def test_cut_off_before_any_command_the_next_run_finishes(tmp_path: Path, cut_after: int) -> None:
    machine = Machine(tmp_path / "machine", cut_after)
    with pytest.raises(Cut):
        machine.restore(pack(tmp_path))
    machine.cut_after = 99
    machine.restore(pack(tmp_path))
    assert machine.store() == STORE


def test_a_reset_that_was_cut_off_is_done_again_in_spite_of_its_flag(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "machine")
    (machine.data / "db").mkdir(parents=True)
    (machine.data / "db/reset-flag").touch()
    machine.restore(pack(tmp_path))
    assert machine.store() == STORE


def test_a_finished_restore_is_not_repeated_until_it_is_forgotten(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "machine")
    restore = machine.restore(pack(tmp_path))
    calls = len(machine.calls)
    restore.apply(tmp_path / "gone")
    assert len(machine.calls) == calls
    restore.forget()
    assert not restore.done() and not restore.noted()
    assert Restore(machine.run, "another", machine.state, machine.data, machine.node).plan()[0] == "stop K3s"


def test_a_damaged_snapshot_is_refused_before_k3s_is_stopped(tmp_path: Path) -> None:
    packed = pack(tmp_path)
    text = packed.read_bytes()
    at = text.rindex(STORE)
    packed.write_bytes(text[:at] + b"X" + text[at + 1 :])
    machine = Machine(tmp_path / "machine")
    with pytest.raises(BackupError, match="differs from its manifest"):
        machine.restore(packed)
    assert machine.calls == []


def test_sqlite_takes_the_place_of_what_is_there(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "machine")
    (machine.data / "db").mkdir(parents=True)
    (machine.data / "db/state.db").write_text("newer")
    (machine.data / "db/state.db-wal").write_text("newer")
    machine.restore(pack(tmp_path, "sqlite"))
    assert (machine.data / "db/state.db").read_bytes() == STORE
    aside = sorted(path.name.partition(".before-")[0] for path in (machine.data / "db").glob("*.before-*"))
    assert aside == ["state.db", "state.db-wal"]


def test_a_copy_of_sqlite_is_consistent_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    source = tmp_path / "state.db"
    database = sqlite3.connect(source)
    database.execute("CREATE TABLE t (a)")
    database.execute("INSERT INTO t VALUES (1)")
    database.commit()
    copy = copy_sqlite(source, tmp_path / "copy.db")
    assert sqlite3.connect(copy).execute("SELECT a FROM t").fetchall() == [(1,)]
    source.write_bytes(b"SQLite format 3\0" + b"x" * 8000)
    with pytest.raises(BackupError, match=r"state\.db"):
        copy_sqlite(source, tmp_path / "again.db")
