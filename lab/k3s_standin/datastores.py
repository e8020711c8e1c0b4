# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which datastore a server has: SQLite, or etcd where it founds, has or joins one."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.k3s_standin import bootstrap, datastore, etcd_process, files, log
from lab.k3s_standin.api.at_rest import AtRest
from lab.k3s_standin.api.store import ObjectStore
from lab.k3s_standin.api.stores import Store
from lab.k3s_standin.config import ConfigError
from lab.k3s_standin.etcd_datastore import EtcdDatastore
from lab.k3s_standin.etcd_join import Joining
from lab.k3s_standin.etcd_process import Member
from lab.k3s_standin.paths import Paths


class Datastore(Protocol):
    """One server's datastore, from before its start to its end."""

    @property
    def etcd(self) -> bool:
        """Whether this is the embedded etcd, or stands in its place."""
        ...

    @property
    def member(self) -> Member | None:
        """This server's place among etcd's members."""
        ...

    @property
    def records(self) -> bootstrap.Records:
        """Where the bootstrap record lies; once started."""
        ...

    def early(self, token: str) -> dict[str, str] | None:
        """Authorities that must be there before the start: SQLite's own, or those of the cluster that is joined."""
        ...

    def start(self) -> None:
        """Have it answer."""
        ...

    def store(self, at_rest: AtRest) -> Store:
        """The objects in it."""
        ...

    def copy(self, path: str) -> None:
        """Write all of it into a file."""
        ...

    def api_servers(self, own: str) -> list[str]:
        """Where the API answers."""
        ...

    def announce(self, own: str) -> None:
        """Say that the API answers there."""
        ...

    def stop(self) -> None:
        """End what was started."""
        ...


@dataclass
class Sqlite:
    """A file: no processes, no other servers."""

    file: Path
    _store: ObjectStore | None = None
    member: Member | None = None

    @property
    def etcd(self) -> bool:
        """Whether the file is in etcd's place."""
        return datastore.is_etcd(self.file)

    @property
    def records(self) -> bootstrap.Records:
        """In the same file."""
        return bootstrap.SqliteRecords(self.file)

    def early(self, token: str) -> dict[str, str] | None:
        """The record, which can be read at any time."""
        return bootstrap.load(self.file, token)

    def start(self) -> None:
        """A file needs no start."""

    def store(self, at_rest: AtRest) -> Store:
        """The objects in it."""
        self._store = ObjectStore(str(self.file), at_rest)
        return self._store

    def copy(self, path: str) -> None:
        """Write all of it into a file."""
        assert self._store is not None
        self._store.snapshot(path)

    def api_servers(self, own: str) -> list[str]:
        """This one."""
        return [own]

    def announce(self, own: str) -> None:
        """Nobody else is there to be told."""

    def stop(self) -> None:
        """A file needs no end."""


def choose(paths: Paths, cluster_init: bool, node: str, address: str, joining: Joining | None) -> Datastore:
    """What is there stays what it is; without anything the settings decide."""
    home = paths.server / "db/etcd"
    _bury(home)
    if datastore.is_sqlite(home / "member/snap/db"):
        return Sqlite(datastore.locate(paths, cluster_init, node))
    there = (home / "member").is_dir()
    if etcd_process.program() is None:
        if there or joining:
            raise ConfigError(
                "embedded etcd needs the program etcd, and this machine has none; use the lab's node image"
            )
        if cluster_init:
            log.info("found no etcd program: the lab stand-in keeps an SQLite file in etcd's place")
        return Sqlite(datastore.locate(paths, cluster_init, node))
    if not (there or cluster_init or joining):
        return Sqlite(datastore.locate(paths, False, node))
    sqlite_file = paths.server / "db/state.db"
    if joining and not there and sqlite_file.exists():
        raise ConfigError(
            f"found another cluster's datastore at {sqlite_file}, expected none on a server that joins; move it away"
        )
    return EtcdDatastore(Member(paths, _name(home, node), address), node, None if there else joining)


def _name(home: Path, node: str) -> str:
    file = home / "name"
    if not file.exists():
        files.write(file, f"{node}-{secrets.token_hex(4)}")
    return file.read_text().strip()


def _bury(home: Path) -> None:
    """A member that was removed from its cluster begins anew."""
    if (home / "tombstone").exists():
        log.info("tombstone file has been detected, removing data dir to rejoin the cluster")
        home.rename(home.with_name(f"etcd-old-{int(time.time())}"))
