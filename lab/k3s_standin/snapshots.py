# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a running server: made, listed and removed for `k3s etcd-snapshot`, and on a schedule (fact A11)."""

from __future__ import annotations

import datetime
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.k3s_standin import cron, log, snapshot_file
from lab.k3s_standin.api.http import Request, Response
from lab.k3s_standin.snapshot_file import SnapshotError

PREFIX = "/db/snapshot"
_TICK = 1.0


@dataclass(frozen=True)
class Snapshots:
    """The snapshots of one server; `copy` writes the datastore into a file."""

    copy: Callable[[str], None]
    directory: Path
    node: str
    etcd: bool

    def answer(self, request: Request) -> Response:
        """What `k3s etcd-snapshot` asks the running server for; for the administrator's certificate alone."""
        if "system:masters" not in request.identity.organizations:
            return _refusal(403, "forbidden")
        wish: dict[str, Any] = request.value()
        try:
            if not self.etcd:
                raise SnapshotError("etcd datastore disabled")
            done = self._do(wish)
        except (SnapshotError, OSError, sqlite3.Error) as error:
            log.error(f"etcd-snapshot {wish.get('operation')}: {error}")
            return _refusal(500, f"see server log for details: {error}")
        return Response.json({"items": done})

    def _do(self, wish: Mapping[str, Any]) -> list[dict[str, Any]]:
        names: Sequence[str] = wish.get("name") or []
        operation = wish.get("operation")
        if operation == "save":
            return [self.save(names[0] if names else "on-demand")]
        if operation == "list":
            return self.all()
        if operation == "delete":
            return self.delete(names)
        if operation == "prune":
            return self.prune(names[0] if names else "on-demand", int(wish.get("retention", 5)))
        raise SnapshotError(f"invalid operation {operation!r}")

    def save(self, base: str) -> dict[str, Any]:
        """Make one snapshot; it appears under its name only when it is whole."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.directory / f"{base}-{self.node}-{int(time.time())}"
        part = path.with_name(f"{path.name}.part")
        part.unlink(missing_ok=True)
        log.info(f"Saving etcd snapshot to {path}")
        try:
            self.copy(str(part))
            # what etcd writes ends in its digest already
            if part.stat().st_size % snapshot_file.SECTOR == 0:
                snapshot_file.seal(part)
        except (OSError, sqlite3.Error) as error:
            part.unlink(missing_ok=True)
            raise SnapshotError(f"failed to save snapshot: could not save etcd snapshot: {error}") from error
        part.chmod(0o600)
        part.rename(path)
        return _row(path)

    def all(self) -> list[dict[str, Any]]:
        """Every snapshot, by name."""
        files = self.directory.iterdir() if self.directory.is_dir() else ()
        return [_row(path) for path in sorted(files) if path.is_file() and path.suffix != ".part"]

    def delete(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Remove the named snapshots; those that are not there are an error."""
        gone = []
        for name in names:
            path = self.directory / Path(name).name
            if not path.is_file():
                raise SnapshotError(f"snapshot not found: {name}")
            gone.append(_row(path))
            path.unlink()
        return gone

    def prune(self, base: str, keep: int) -> list[dict[str, Any]]:
        """Remove all but the newest of one base name on this node."""
        mine = [row for row in self.all() if row["name"].startswith(f"{base}-{self.node}-")]
        newest_first = sorted(mine, key=lambda row: row["created"], reverse=True)
        return self.delete([row["name"] for row in newest_first[max(keep, 1) :]])


class Schedule(threading.Thread):
    """Makes and prunes snapshots by a cron expression until stopped."""

    def __init__(self, snapshots: Snapshots, base: str, expression: str, retention: int) -> None:
        super().__init__(name="snapshots", daemon=True)
        self._snapshots, self._base, self._retention = snapshots, base, retention
        self._due = cron.parse(expression)
        self._end = threading.Event()

    def run(self) -> None:
        """Look once a second whether a new minute is one of the schedule's."""
        last = _minute()
        while not self._end.wait(_TICK):
            now = _minute()
            if now == last:
                continue
            last = now
            if not self._due(now):
                continue
            try:
                self._snapshots.save(self._base)
                self._snapshots.prune(self._base, self._retention)
            except (SnapshotError, OSError, sqlite3.Error) as error:
                log.error(f"Failed to take etcd snapshot: {error}")

    def stop(self) -> None:
        """End the thread."""
        self._end.set()


def _minute() -> datetime.datetime:
    return datetime.datetime.now().replace(second=0, microsecond=0)


def _row(path: Path) -> dict[str, Any]:
    stat = path.stat()
    created = datetime.datetime.fromtimestamp(stat.st_mtime, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"name": path.name, "location": f"file://{path}", "size": stat.st_size, "created": created}


def _refusal(code: int, message: str) -> Response:
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return Response.json({**status, "message": message, "code": code}, code)
