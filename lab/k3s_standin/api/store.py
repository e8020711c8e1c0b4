# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The datastore: JSON objects in SQLite under one growing revision, with optimistic concurrency and watches."""

from __future__ import annotations

import json
import sqlite3
import threading

from lab.k3s_standin.api.at_rest import PLAIN, AtRest
from lab.k3s_standin.api.errors import AlreadyExists, Conflict, NotFound, Obj, Objects
from lab.k3s_standin.api.watch import Event, Watch, WatchHub

Texts = list[str]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  key TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL,
  PRIMARY KEY (key, namespace, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO state VALUES ('revision', 1);
"""


class ObjectStore:
    """Thread-safe and durable: an answered write is on disk, so the process may be killed at any moment.

    A resource key is `plural` in the core group and `plural.group` elsewhere; cluster-scoped objects have namespace "".
    """

    def __init__(self, path: str, at_rest: AtRest = PLAIN) -> None:
        self._at_rest = at_rest
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        self._revision = int(self._db.execute("SELECT value FROM state WHERE name='revision'").fetchone()[0])
        self._hub = WatchHub(self._revision)

    @property
    def revision(self) -> int:
        """The revision of the newest write."""
        return self._revision

    def get(self, resource_key: str, namespace: str | None, name: str) -> Obj:
        """Read one object; NotFound when there is none."""
        return _load(self._text(resource_key, namespace or "", name))

    def list(self, resource_key: str, namespace: str | None = None) -> tuple[Objects, int]:
        """Read all objects of a resource (namespace None or "": everywhere) and the revision they were read at."""
        texts, revision = self.list_texts(resource_key, namespace)
        return [_load(text) for text in texts], revision

    def list_texts(self, resource_key: str, namespace: str | None = None) -> tuple[Texts, int]:
        """Like list, as JSON texts ordered by namespace and name."""
        query, values = "SELECT namespace || '/' || name, data FROM objects WHERE key=?", [resource_key]
        if namespace:
            query, values = query + " AND namespace=?", [*values, namespace]
        with self._lock:
            rows = self._db.execute(query + " ORDER BY namespace, name", values).fetchall()
            return [self._at_rest.open(resource_key, *row) for row in rows], self._revision

    def resource_keys(self) -> Texts:
        """Every resource key that has objects."""
        with self._lock:
            return [row[0] for row in self._db.execute("SELECT DISTINCT key FROM objects")]

    def create(self, resource_key: str, obj: Obj) -> Obj:
        """Write a new object; AlreadyExists when the name is taken."""
        namespace, name = _identity(obj)
        with self._lock:
            try:
                self._text(resource_key, namespace, name)
            except NotFound:
                return self._write("ADDED", resource_key, obj, None)
            raise AlreadyExists(resource_key, name)

    def update(self, resource_key: str, obj: Obj) -> Obj:
        """Replace an object; Conflict unless its resourceVersion is the stored one (or empty)."""
        namespace, name = _identity(obj)
        with self._lock:
            previous = self._text(resource_key, namespace, name)
            _check_revision(resource_key, name, _load(previous), obj["metadata"].get("resourceVersion"))
            return self._write("MODIFIED", resource_key, obj, previous)

    def delete(self, resource_key: str, namespace: str | None, name: str, resource_version: str | None = None) -> Obj:
        """Remove an object and return its last state."""
        with self._lock:
            previous = self._text(resource_key, namespace or "", name)
            stored = _load(previous)
            _check_revision(resource_key, name, stored, resource_version)
            return self._write("DELETED", resource_key, stored, previous)

    def watch(self, resource_key: str | None, namespace: str | None = None, since_rv: int | None = None) -> Watch:
        """Stream changes after a revision (default: now); resource_key None watches everything. Gone when too old."""
        with self._lock:
            return self._hub.open(resource_key, namespace, self._revision if since_rv is None else since_rv)

    def snapshot(self, path: str) -> None:
        """Copy the whole store, consistently, into another file."""
        target = sqlite3.connect(path)
        try:
            with self._lock:
                self._db.backup(target)
        finally:
            target.close()

    def stop_watches(self) -> None:
        """End all watches, so that their threads can finish."""
        self._hub.stop()

    def close(self) -> None:
        """End all watches and close the file."""
        self._hub.stop()
        with self._lock:
            self._db.close()

    def _text(self, key: str, namespace: str, name: str) -> str:
        with self._lock:
            row = self._db.execute(
                "SELECT data FROM objects WHERE key=? AND namespace=? AND name=?", (key, namespace, name)
            ).fetchone()
        if row is None:
            raise NotFound(key, name)
        return self._at_rest.open(key, f"{namespace}/{name}", row[0])

    def _write(self, kind: str, key: str, obj: Obj, previous: str | None) -> Obj:
        namespace, name = _identity(obj)
        revision = self._revision + 1
        stored = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(revision)}}
        text = json.dumps(stored, separators=(",", ":"))
        self._db.execute("BEGIN IMMEDIATE")
        try:
            if kind == "DELETED":
                self._db.execute("DELETE FROM objects WHERE key=? AND namespace=? AND name=?", (key, namespace, name))
            else:
                kept = self._at_rest.seal(key, f"{namespace}/{name}", text)
                self._db.execute("INSERT OR REPLACE INTO objects VALUES (?,?,?,?)", (key, namespace, name, kept))
            self._db.execute("UPDATE state SET value=? WHERE name='revision'", (revision,))
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._revision = revision
        self._hub.publish(Event(revision, kind, key, namespace, name, text, previous))
        return stored


def _identity(obj: Obj) -> tuple[str, str]:
    metadata = obj["metadata"]
    return metadata.get("namespace") or "", metadata["name"]


def _check_revision(key: str, name: str, stored: Obj, wanted: str | None) -> None:
    if wanted and wanted != stored["metadata"]["resourceVersion"]:
        raise Conflict(key, name)


def _load(text: str) -> Obj:
    value: Obj = json.loads(text)
    return value
