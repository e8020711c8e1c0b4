# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an SQLite datastore lies: in kine's place, or in etcd's on a machine that has no etcd."""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path

from lab.k3s_standin import files, log
from lab.k3s_standin.paths import Paths

_MAGIC = b"SQLite format 3\0"


def locate(paths: Paths, cluster_init: bool, node_name: str) -> Path:
    """The datastore file of this start; an SQLite server started with cluster-init is converted (fact A11)."""
    directory = paths.server / "db"
    sqlite_file, etcd_file = directory / "state.db", directory / "etcd/member/snap/db"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not etcd_file.exists() and not cluster_init:
        return sqlite_file
    etcd_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = directory / "etcd/name"
    if not name.exists():
        files.write(name, f"{node_name}-{secrets.token_hex(4)}")
    if not etcd_file.exists() and sqlite_file.exists():
        _convert(sqlite_file, etcd_file)
    # Only after the copy is complete: a start cut off in between converts again.
    if sqlite_file.exists():
        sqlite_file.rename(sqlite_file.with_name("state.db.migrated"))
    return etcd_file


def is_etcd(file: Path) -> bool:
    """Whether a datastore file is in etcd's place."""
    return file.name == "db"


def is_sqlite(file: Path) -> bool:
    """Whether a file is SQLite's: etcd has one of its own kind at that place."""
    try:
        with file.open("rb") as stream:
            return stream.read(len(_MAGIC)) == _MAGIC
    except FileNotFoundError:
        return False


def _convert(source: Path, target: Path) -> None:
    log.info(f"Migrating content from sqlite to etcd: {source} -> {target}")
    temporary = target.with_name("db.tmp")
    temporary.unlink(missing_ok=True)
    before, after = sqlite3.connect(source), sqlite3.connect(temporary)
    try:
        before.backup(after)
    finally:
        before.close()
        after.close()
    temporary.rename(target)
