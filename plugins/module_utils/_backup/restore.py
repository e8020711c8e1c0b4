# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: put a backup's datastore in a server's place, so that an interruption can be made good."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from .._command import CommandRunner
from . import archive
from .manifest import SNAPSHOT, BackupError, Manifest

K3S = "/usr/local/bin/k3s"
UNIT = "k3s.service"
PREPARED, RESTORED = "prepared", "restored"


class Restore:
    """One backup on one server; 'state' is this collection's folder, 'data' that of K3s' server."""

    def __init__(
        self,
        run: CommandRunner,
        sha256: str,
        state: Path = Path("/var/lib/fletcherlabs-homelab"),
        data: Path = Path("/var/lib/rancher/k3s/server"),
        node: Path = Path("/etc/rancher/node"),
    ) -> None:
        self._run, self._sha256, self._data, self._node = run, sha256, data, node
        self.state = state
        self._marker = state / "restore.json"
        self._staging = state / "restore"

    def done(self) -> bool:
        """Whether an earlier run has come to the end with this backup, and only the start of K3s was missing."""
        return self._stage() == RESTORED

    def noted(self) -> bool:
        """Whether there is a note of any restore."""
        return self._marker.exists()

    def forget(self) -> None:
        """Remove the note, so that the same backup may be restored again one day."""
        self._marker.unlink(missing_ok=True)

    def plan(self) -> list[str]:
        """What will be done, in order."""
        if self.done():
            return []
        return [
            "stop K3s",
            "put the datastore that is there aside" if self._database() else "bring back authorities and tokens",
            "restore the datastore of the backup",
        ]

    def apply(self, packed: Path) -> None:
        """Verify everything first; then stop, put aside, restore. Every step can be done again."""
        if self.done():
            return
        shutil.rmtree(self._staging, ignore_errors=True)
        self._staging.mkdir(parents=True, mode=0o700)
        manifest = archive.unpack(packed, self._staging)
        snapshot = self._staging / SNAPSHOT
        if manifest.datastore == "etcd":
            archive.verify_snapshot(snapshot)
        self._call(["systemctl", "stop", UNIT], "K3s was not stopped")
        self._bring_back(manifest)
        self._note(PREPARED)
        if manifest.datastore == "etcd":
            self._reset_etcd(snapshot)
        else:
            self._replace_sqlite(snapshot)
        self._note(RESTORED)
        shutil.rmtree(self._staging)
        packed.unlink()

    def _database(self) -> list[Path]:
        return [path for path in (self._data / "db/etcd", self._data / "db/state.db") if path.exists()]

    def _bring_back(self, manifest: Manifest) -> None:
        """A server without authorities and tokens gets those of the backup, and so is the old one for everybody."""
        if not (self._data / "token").exists():
            for name in manifest.files:
                if name.startswith("server/"):
                    _place(self._staging / name, self._data / name.partition("/")[2])
        password = self._staging / "node/password"
        if password.exists() and not (self._node / "password").exists():
            _place(password, self._node / "password")

    def _reset_etcd(self, snapshot: Path) -> None:
        # An interrupted reset may have left its flag, which keeps K3s from doing it again.
        (self._data / "db/reset-flag").unlink(missing_ok=True)
        # A file of SQLite beside it would be converted at the next start.
        self._aside(self._data / "db", "state.db*")
        # A server that joined others names one in its configuration, and K3s resets none that has a server to join.
        argv = [K3S, "server", "--server=", "--cluster-reset", f"--cluster-reset-restore-path={snapshot}"]
        self._call(argv, "K3s did not restore the snapshot")
        if not (self._data / "db/etcd").exists():
            raise BackupError("K3s ended well and left no datastore in server/db/etcd; look at journalctl -u k3s")

    def _replace_sqlite(self, snapshot: Path) -> None:
        database = self._data / "db"
        database.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._aside(database, "state.db*")
        self._aside(database, "etcd")
        part = database / ".state.db.part"
        shutil.copyfile(snapshot, part)
        part.chmod(0o600)
        part.rename(database / "state.db")

    def _aside(self, folder: Path, pattern: str) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        for path in folder.glob(pattern):
            if ".before-" not in path.name:
                path.rename(path.with_name(f"{path.name}.before-{stamp}"))

    def _stage(self) -> str:
        try:
            found = json.loads(self._marker.read_text())
        except (OSError, ValueError):
            return ""
        return str(found.get("stage")) if found.get("sha256") == self._sha256 else ""

    def _note(self, stage: str) -> None:
        part = self._marker.with_name(f"{self._marker.name}.part")
        part.write_text(json.dumps({"sha256": self._sha256, "stage": stage}))
        os.replace(part, self._marker)

    def _call(self, argv: Sequence[str], problem: str) -> None:
        status, output, errors = self._run(argv)
        if status != 0:
            lines = (errors.strip() or output.strip() or "nothing was said").splitlines()
            raise BackupError(f"{problem}, status {status}: {lines[-1]}")


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = target.with_name(f".{target.name}.part")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    shutil.copyfile(source, part)
    part.chmod(0o600)
    part.rename(target)
