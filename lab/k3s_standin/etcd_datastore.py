# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded etcd as a server's datastore: founded, joined, started again, converted to from SQLite."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NoReturn

from lab.k3s_standin import bootstrap, etcd_members, etcd_process, files, log
from lab.k3s_standin.api.at_rest import AtRest
from lab.k3s_standin.api.store_etcd import EtcdStore, path_of
from lab.k3s_standin.api.stores import Store
from lab.k3s_standin.config import ConfigError
from lab.k3s_standin.etcd_api_servers import ApiServers
from lab.k3s_standin.etcd_client import EtcdClient, EtcdError
from lab.k3s_standin.etcd_join import Joining
from lab.k3s_standin.etcd_process import Child, Member

_COMMAND_SECONDS = "30s"


class EtcdDatastore:
    """One server's member of etcd."""

    etcd = True

    def __init__(self, member: Member, node: str, joining: Joining | None) -> None:
        self.member: Member = member
        self._node = node
        self._joining = joining
        self._child: Child | None = None
        self._client: EtcdClient | None = None
        self._servers: ApiServers | None = None

    @property
    def client(self) -> EtcdClient:
        """A client of the running member."""
        assert self._client is not None
        return self._client

    @property
    def records(self) -> bootstrap.Records:
        """In etcd beside the objects."""
        return bootstrap.EtcdRecords(self.client)

    def early(self, token: str) -> dict[str, str] | None:
        """etcd itself needs the authorities: a joining server is given them, a lost folder comes from the data."""
        if self._joining:
            return self._joining.authorities()
        lost = not (self.member.paths.tls / "etcd/server-ca.crt").exists()
        if not lost or not (self.member.directory / "member").is_dir():
            return None
        log.info("Reconciling bootstrap data between datastore and disk")
        return self._read_offline(token)

    def start(self) -> None:
        """Start the program; returns once a majority answers."""
        cluster, state = f"{self.member.name}={self.member.peer_url}", "new"
        if self._joining:
            cluster, state = self._join(self._joining), "existing"
        config = self.member.write_config(cluster, state)
        log.info(f"Starting etcd for {'existing' if state == 'existing' else 'new or restarted'} cluster member")
        self._child = Child([f"--config-file={config}"], self._lost)
        self._client = self.member.client()
        self._servers = ApiServers(self._client)
        try:
            self._child.wait_until_ready(self._client)
            self._migrate(self.member.paths.server / "db/state.db")
        except EtcdError as error:
            self.stop()
            raise ConfigError(f"starting kubernetes: preparing server: start managed database: {error}") from error

    def store(self, at_rest: AtRest) -> Store:
        """The objects in it."""
        return EtcdStore(self.client, at_rest)

    def copy(self, path: str) -> None:
        """A snapshot, with its digest at the end."""
        tls = self.member.paths.tls / "etcd"
        try:
            etcd_process.control(
                f"--endpoints={self.client.url}", f"--cacert={tls / 'server-ca.crt'}", f"--cert={tls / 'client.crt'}",
                f"--key={tls / 'client.key'}", f"--command-timeout={_COMMAND_SECONDS}", "snapshot", "save", path,
            )  # fmt: skip
        except EtcdError as error:
            raise OSError(str(error)) from error

    def api_servers(self, own: str) -> list[str]:
        """Every server that said so and is still there."""
        assert self._servers is not None
        return self._servers.listed() or [own]

    def announce(self, own: str) -> None:
        """Say that the API answers there, as long as this process lives."""
        assert self._servers is not None
        self._servers.announce(own)

    def stop(self) -> None:
        """End the program."""
        if self._servers:
            self._servers.withdraw()
        if self._child:
            self._child.stop()

    def _join(self, joining: Joining) -> str:
        members = joining.members((self.member.paths.tls / "server-ca.crt").read_text())
        etcd_members.check_name(members, self.member, self._node)
        urls = [url for member in members if not member.learner for url in member.client_urls]
        return etcd_members.join([self.member.client(url) for url in urls], self.member, self._node)

    def _read_offline(self, token: str) -> dict[str, str] | None:
        copied = self.member.directory.with_name("etcd-tmp")
        shutil.rmtree(copied, ignore_errors=True)
        shutil.copytree(self.member.directory / "member", copied / "member")
        try:
            return read_record(copied, self.member.name, token)
        finally:
            shutil.rmtree(copied, ignore_errors=True)

    def _migrate(self, source: Path) -> None:
        """Bring over the objects of an SQLite server (fact A11); cut off, the next start does it again."""
        if not source.exists():
            return
        log.info(f"Migrating content from sqlite to etcd: {source}")
        with closing(sqlite3.connect(source)) as database:
            for key, namespace, name, text in database.execute("SELECT key, namespace, name, data FROM objects"):
                self.client.put(path_of(key, (namespace, name)), text)
        records = self.records
        for name, value in bootstrap.SqliteRecords(source).all().items():
            records.put(name, value)
        source.rename(source.with_name("state.db.migrated"))

    def _lost(self, removed: bool) -> NoReturn:
        if removed:
            files.write(self.member.directory / "tombstone", "")
            log.error("this server has been removed from the cluster: its etcd data is kept aside at the next start")
        else:
            log.error("etcd ended, so K3s ends")
        os._exit(1)


def read_record(directory: Path, name: str, token: str) -> dict[str, str] | None:
    """The bootstrap record of data that nobody uses; the member forgets its peers."""
    child, client = etcd_process.offline(directory, name)
    try:
        return bootstrap.load(bootstrap.EtcdRecords(client), token)
    finally:
        child.stop()
