# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`k3s server --cluster-reset`: one member again, from its own datastore or a snapshot; then the process ends."""

from __future__ import annotations

import secrets
import shutil
import socket
import time
from pathlib import Path

from lab.k3s_standin import bootstrap, datastore, etcd_process, files, log, snapshot_file
from lab.k3s_standin.config import ConfigError
from lab.k3s_standin.etcd_client import EtcdError
from lab.k3s_standin.etcd_datastore import read_record
from lab.k3s_standin.paths import Paths
from lab.k3s_standin.server_tls import ServerTls
from lab.k3s_standin.tokens import TokenError, parse

_DONE = (
    "Managed etcd cluster membership has been reset, restart without --cluster-reset flag now. "
    "Backup and delete ${datadir}/server/db on each peer etcd server and rejoin the nodes"
)


def flag_file(paths: Paths) -> Path:
    """Says that a reset was done and K3s has not been started normally since."""
    return paths.server / "db/reset-flag"


def run(paths: Paths, node_name: str, token: str, snapshot: str, port: int, address: str = "127.0.0.1") -> None:
    """Reset, restoring a snapshot first where one is given."""
    flag = flag_file(paths)
    if flag.exists():
        raise ConfigError(
            "Managed etcd cluster membership was previously reset. Please remove the cluster-reset flag and start k3s "
            "normally. If you need to perform another cluster reset, you must first manually delete the file at "
            f"{flag}"
        )
    _port_is_free(port)
    if snapshot:
        try:
            _restore(paths, node_name, Path(snapshot), address)
        except snapshot_file.SnapshotError as error:
            raise ConfigError(f"starting kubernetes: preparing server: start managed database: {error}") from error
    home = paths.server / "db/etcd"
    if not (home / "member/snap/db").exists():
        raise ConfigError(f"cluster-reset needs an etcd datastore or a snapshot, and there is none at {home}")
    _bring_back_authorities(paths, token)
    files.write(flag, "")
    log.info(_DONE)


def _port_is_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError as error:
            raise ConfigError(f"listen tcp :{port}: {error.strerror}: stop k3s before a cluster reset") from error


def _restore(paths: Paths, node_name: str, snapshot: Path, address: str) -> None:
    snapshot_file.verify(snapshot)
    home, now = paths.server / "db/etcd", int(time.time())
    fresh = home.with_name(f"etcd-tmp-{now}")
    shutil.rmtree(fresh, ignore_errors=True)
    file = home / "name"
    name = file.read_text().strip() if file.exists() else f"{node_name}-{secrets.token_hex(4)}"
    if datastore.is_sqlite(snapshot):
        (fresh / "member/snap").mkdir(parents=True, mode=0o700)
        snapshot_file.unseal(snapshot, fresh / "member/snap/db")
    else:
        _restore_etcd(snapshot, fresh, name, address)
    files.write(fresh / "name", name)
    if home.exists():
        log.info(f"Pre-restore etcd database moved to {home.with_name(f'etcd-old-{now}')}")
        home.rename(home.with_name(f"etcd-old-{now}"))
    fresh.rename(home)


def _restore_etcd(snapshot: Path, target: Path, name: str, address: str) -> None:
    peer = f"https://{etcd_process.bracketed(address)}:{etcd_process.client_port() + 1}"
    try:
        etcd_process.control(
            "snapshot", "restore", str(snapshot), f"--data-dir={target}", f"--name={name}",
            f"--initial-cluster={name}={peer}", f"--initial-advertise-peer-urls={peer}",
        )  # fmt: skip
    except EtcdError as error:
        raise snapshot_file.SnapshotError(str(error)) from error


def _record(paths: Paths, token: str) -> dict[str, str] | None:
    home = paths.server / "db/etcd"
    file = home / "member/snap/db"
    if datastore.is_sqlite(file):
        return bootstrap.load(file, token)
    # In its own place: forgetting its peers is what a reset is.
    return read_record(home, (home / "name").read_text().strip(), token)


def _bring_back_authorities(paths: Paths, token: str) -> None:
    """The datastore's authorities replace those on disk, which are kept aside; a wrong token ends here."""
    try:
        parsed = parse(token)
        contents = _record(paths, parsed.bootstrap or parsed.password)
    except (bootstrap.BootstrapError, EtcdError, TokenError) as error:
        raise ConfigError(f"starting kubernetes: preparing server: {error}") from error
    if contents is None:
        return
    if paths.tls.is_dir():
        aside = paths.tls.with_name(f"tls-{int(time.time())}")
        log.info(f"Cluster reset: backing up certificates directory to {aside}")
        shutil.copytree(paths.tls, aside, dirs_exist_ok=True)
    ServerTls(paths.tls).restore(contents)
