# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what a server has that a backup needs."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, cast

from .._command import CommandRunner
from .._k3s.state import version_in
from . import archive
from .manifest import SNAPSHOT, BackupError, Item, Manifest, items_from

K3S = "/usr/local/bin/k3s"
DATA = Path("/var/lib/rancher/k3s/server")
NODE_PASSWORD = Path("/etc/rancher/node/password")
NAME = "homelab-backup"
KINDS = "namespaces,nodes,secrets,configmaps,customresourcedefinitions,persistentvolumes,persistentvolumeclaims"
# identities only: what a Secret holds is nobody's business here
_COLUMNS = "KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name,UID:.metadata.uid"


class Server:
    """A running server."""

    def __init__(self, run: CommandRunner, data: Path = DATA) -> None:
        self._run, self._data = run, data
        found = version_in(self._output([K3S, "--version"], "K3s does not run"))
        if not found:
            raise BackupError(f"{K3S} does not tell its version; is this a server of the cluster?")
        self.version = found
        kinds = {"etcd": data / "db/etcd", "sqlite": data / "db/state.db"}
        self.datastore = next((kind for kind, path in kinds.items() if path.exists()), "")
        if not self.datastore:
            raise BackupError(f"there is no datastore below {data / 'db'}; name a server of the cluster")

    def items(self) -> list[Item]:
        """The objects by which a restore is verified."""
        argv = [K3S, "kubectl", "get", KINDS, "--all-namespaces", "--no-headers", "-o", f"custom-columns={_COLUMNS}"]
        return items_from(self._output(argv, "the API did not list its objects"))

    def snapshot(self, folder: Path) -> Path:
        """A consistent copy of the datastore."""
        if self.datastore == "sqlite":
            return copy_sqlite(self._data / "db/state.db", folder / "state.db")
        before = set(self._snapshots())
        self._output([K3S, "etcd-snapshot", "save", "--name", NAME], "the etcd snapshot was not made")
        made = sorted(set(self._snapshots()) - before, key=lambda path: path.stat().st_mtime)
        if not made:
            raise BackupError(
                f"K3s made no snapshot named {NAME} in {self._data / 'db/snapshots'}; see journalctl -u k3s"
            )
        return made[-1]

    def prune(self, keep: int) -> None:
        """Leave the newest snapshots that were made for backups."""
        if self.datastore == "etcd":
            argv = [K3S, "etcd-snapshot", "prune", "--name", NAME, "--snapshot-retention", str(keep)]
            self._output(argv, "older snapshots were not removed")

    def _snapshots(self) -> list[Path]:
        return list((self._data / "db/snapshots").glob(f"{NAME}-*"))

    def _output(self, argv: Sequence[str], problem: str) -> str:
        try:
            status, output, errors = self._run(argv)
        except OSError as error:
            raise BackupError(f"{problem}: {argv[0]}: {error.strerror}") from error
        if status != 0:
            said = (errors.strip() or output.strip() or "nothing was said").splitlines()[-1]
            raise BackupError(f"{problem}, status {status}: {said}")
        return output


def copy_sqlite(source: Path, target: Path) -> Path:
    """SQLite's online backup, checked: consistent while K3s writes."""
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
            answer = new.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.Error as error:
        raise BackupError(f"the copy of {source} was not made: {error}") from error
    if answer != "ok":
        raise BackupError(f"{source} is damaged ({answer}); restore an older backup")
    target.chmod(0o600)
    return target


def members(data: Path, snapshot: Path, node_password: Path = NODE_PASSWORD) -> dict[str, Path]:
    """Name in the archive -> file: the snapshot, and what a fresh server needs to be the old one."""
    found = {SNAPSHOT: snapshot}
    for name in ("token", "agent-token"):
        if (data / name).exists():
            found[f"server/{name}"] = (data / name).resolve()
    for folder in ("cred", "tls"):
        for path in sorted((data / folder).rglob("*")):
            if path.is_file():
                found[f"server/{path.relative_to(data)}"] = path
    if node_password.exists():
        found["node/password"] = node_password
    return found


def encrypt(manifest: Manifest, sources: Mapping[str, Path], recipients: Sequence[str], target: Path) -> None:
    """Pack into age, and age onto the disk."""
    argv = ["age", "--encrypt", "--output", str(target)]
    argv += [word for recipient in recipients for word in ("--recipient", recipient)]
    try:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError as error:
        raise BackupError("the program age is not installed; apt install age") from error
    pipe = cast(IO[bytes], process.stdin)
    broken = ""
    try:
        with pipe:
            archive.write(pipe, manifest, sources)
    except OSError as error:
        # age has ended early, and says why
        broken = str(error.strerror)
    said = process.stderr.read().decode(errors="replace").strip() if process.stderr else ""
    if process.wait() != 0 or broken:
        raise BackupError(f"age did not encrypt the backup: {said.splitlines()[0] if said else broken}")
