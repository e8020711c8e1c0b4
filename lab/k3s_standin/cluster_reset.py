# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`k3s server --cluster-reset`: one member again, from its own datastore or a snapshot; then the process ends."""

from __future__ import annotations

import shutil
import socket
import time
from pathlib import Path

from lab.k3s_standin import bootstrap, datastore, files, log, snapshot_file
from lab.k3s_standin.config import ConfigError
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


def run(paths: Paths, node_name: str, token: str, snapshot: str, port: int) -> None:
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
            _restore(paths, node_name, Path(snapshot))
        except snapshot_file.SnapshotError as error:
            raise ConfigError(f"starting kubernetes: preparing server: start managed database: {error}") from error
    file = datastore.locate(paths, True, node_name)
    if not file.exists():
        raise ConfigError(f"cluster-reset needs an etcd datastore or a snapshot, and there is none at {file}")
    _bring_back_authorities(paths, file, token)
    files.write(flag, "")
    log.info(_DONE)


def _port_is_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError as error:
            raise ConfigError(f"listen tcp :{port}: {error.strerror}: stop k3s before a cluster reset") from error


def _restore(paths: Paths, node_name: str, snapshot: Path) -> None:
    snapshot_file.verify(snapshot)
    home, now = paths.server / "db/etcd", int(time.time())
    fresh = home.with_name(f"etcd-tmp-{now}")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "member/snap").mkdir(parents=True, mode=0o700)
    snapshot_file.unseal(snapshot, fresh / "member/snap/db")
    name = home / "name"
    files.write(fresh / "name", name.read_text() if name.exists() else f"{node_name}-restored")
    if home.exists():
        log.info(f"Pre-restore etcd database moved to {home.with_name(f'etcd-old-{now}')}")
        home.rename(home.with_name(f"etcd-old-{now}"))
    fresh.rename(home)


def _bring_back_authorities(paths: Paths, file: Path, token: str) -> None:
    """The datastore's authorities replace those on disk, which are kept aside; a wrong token ends here."""
    try:
        parsed = parse(token)
        contents = bootstrap.load(file, parsed.bootstrap or parsed.password)
    except (bootstrap.BootstrapError, TokenError) as error:
        raise ConfigError(f"starting kubernetes: preparing server: {error}") from error
    if contents is None:
        return
    if paths.tls.is_dir():
        aside = paths.tls.with_name(f"tls-{int(time.time())}")
        log.info(f"Cluster reset: backing up certificates directory to {aside}")
        shutil.copytree(paths.tls, aside, dirs_exist_ok=True)
    ServerTls(paths.tls).restore(contents)
