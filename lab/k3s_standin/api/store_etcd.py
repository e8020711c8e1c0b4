# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The datastore in etcd: writes go to its members, reads come from a cache that its stream of changes feeds."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass

from lab.k3s_standin import log
from lab.k3s_standin.api.at_rest import PLAIN, AtRest
from lab.k3s_standin.api.errors import AlreadyExists, ApiError, Conflict, NotFound, Obj, Objects
from lab.k3s_standin.api.watch import Event, Watch, WatchHub
from lab.k3s_standin.etcd_client import EtcdClient, EtcdError, Row, row_of

PREFIX = "/registry/"
# Kept below the prefix as upstream does, and no objects.
OTHERS = ("/registry/masterleases/",)
_CATCH_UP_SECONDS = 8.0
# A member that no majority has confirmed for this long answers no more: what it knows may be old.
_STALE_SECONDS = 8.0
_PULSE_SECONDS = 1.0
_ATTEMPTS = 10
Texts = list[str]
Place = tuple[str, str]


@dataclass
class Entry:
    """One object as etcd keeps it; the text is rendered when somebody reads it."""

    revision: int
    kept: str
    text: str | None = None


class EtcdStore:
    """As ObjectStore, for servers that share their data."""

    def __init__(self, etcd: EtcdClient, at_rest: AtRest = PLAIN) -> None:
        self._etcd = etcd
        self._at_rest = at_rest
        self._changed = threading.Condition()
        self._objects: dict[str, dict[Place, Entry]] = {}
        self._stopped = threading.Event()
        rows, self._revision = etcd.range(PREFIX)
        for row in rows:
            if found := place_of(row.key):
                self._objects.setdefault(found[0], {})[found[1:]] = Entry(row.revision, row.value)
        self._hub = WatchHub(self._revision)
        self._published = self._revision
        self._heard = time.monotonic()
        for name, target in (("etcd-watch", self._follow), ("etcd-pulse", self._pulse)):
            threading.Thread(target=target, name=name, daemon=True).start()

    @property
    def revision(self) -> int:
        """The revision of the newest write known here."""
        return self._revision

    def get(self, resource_key: str, namespace: str | None, name: str) -> Obj:
        """Read one object; NotFound when there is none."""
        place = (namespace or "", name)
        with self._changed:
            self._check_heard()
            return _load(self._text(resource_key, place, self._entry(resource_key, place)))

    def list(self, resource_key: str, namespace: str | None = None) -> tuple[Objects, int]:
        """Read all objects of a resource and the revision they were read at."""
        texts, revision = self.list_texts(resource_key, namespace)
        return [_load(text) for text in texts], revision

    def list_texts(self, resource_key: str, namespace: str | None = None) -> tuple[Texts, int]:
        """Like list, as JSON texts ordered by namespace and name."""
        with self._changed:
            self._check_heard()
            found = sorted(self._objects.get(resource_key, {}).items())
            chosen = [each for each in found if not namespace or each[0][0] == namespace]
            return [self._text(resource_key, *each) for each in chosen], self._revision

    def resource_keys(self) -> Texts:
        """Every resource key that has objects."""
        with self._changed:
            return [key for key, objects in self._objects.items() if objects]

    def create(self, resource_key: str, obj: Obj) -> Obj:
        """Write a new object; AlreadyExists when the name is taken."""
        place = _identity(obj)
        with self._changed:
            taken = place in self._objects.get(resource_key, {})
        stored = None if taken else self._commit(resource_key, place, obj, 0)
        if stored is None:
            raise AlreadyExists(resource_key, place[1])
        return stored

    def update(self, resource_key: str, obj: Obj) -> Obj:
        """Replace an object; Conflict unless its resourceVersion is the stored one (or empty)."""
        place, wanted = _identity(obj), obj["metadata"].get("resourceVersion")
        for _ in range(_ATTEMPTS):
            stored = self._commit(resource_key, place, obj, self._expected(resource_key, place, wanted).revision)
            if stored is not None:
                return stored
            self._catch_up(self._newest())
        raise Conflict(resource_key, place[1])

    def delete(self, resource_key: str, namespace: str | None, name: str, resource_version: str | None = None) -> Obj:
        """Remove an object and return its last state."""
        place = (namespace or "", name)
        for _ in range(_ATTEMPTS):
            entry = self._expected(resource_key, place, resource_version)
            last = _load(self._text(resource_key, place, entry))
            revision = self._write(resource_key, place, None, entry.revision)
            if revision is not None:
                return {**last, "metadata": {**last["metadata"], "resourceVersion": str(revision)}}
            self._catch_up(self._newest())
        raise Conflict(resource_key, name)

    def watch(self, resource_key: str | None, namespace: str | None = None, since_rv: int | None = None) -> Watch:
        """Stream changes after a revision (default: now); resource_key None watches everything. Gone when too old."""
        with self._changed:
            if since_rv is not None and since_rv > self._revision:
                # Read at another server, which was a moment ahead.
                self._changed.wait_for(lambda: self._revision >= since_rv, _PULSE_SECONDS)
            since = self._revision if since_rv is None else since_rv
            # Not every revision is an event: what was read after the last one is not older than it.
            since = self._published if self._published < since <= self._revision else since
            return self._hub.open(resource_key, namespace, since)

    def stop_watches(self) -> None:
        """End all watches, so that their threads can finish."""
        self._hub.stop()

    def close(self) -> None:
        """End all watches and stop following; the members belong to the caller."""
        self._stopped.set()
        self._hub.stop()

    def _expected(self, key: str, place: Place, wanted: str | None) -> Entry:
        with self._changed:
            if wanted and wanted.isdigit() and int(wanted) > self._revision:
                self._changed.wait_for(lambda: self._revision >= int(wanted), _PULSE_SECONDS)
            entry = self._entry(key, place)
        if wanted and wanted != str(entry.revision):
            raise Conflict(key, place[1])
        return entry

    def _entry(self, key: str, place: Place) -> Entry:
        entry = self._objects.get(key, {}).get(place)
        if entry is None:
            raise NotFound(key, place[1])
        return entry

    def _text(self, key: str, place: Place, entry: Entry) -> str:
        if entry.text is None:
            entry.text = _rendered(self._at_rest.open(key, "/".join(place), entry.kept), entry.revision)
        return entry.text

    def _commit(self, key: str, place: Place, obj: Obj, expected: int) -> Obj | None:
        metadata = {name: value for name, value in obj["metadata"].items() if name != "resourceVersion"}
        text = json.dumps({**obj, "metadata": metadata}, separators=(",", ":"))
        revision = self._write(key, place, self._at_rest.seal(key, "/".join(place), text), expected)
        if revision is None:
            return None
        return {**obj, "metadata": {**metadata, "resourceVersion": str(revision)}}

    def _write(self, key: str, place: Place, kept: str | None, expected: int) -> int | None:
        try:
            revision = self._etcd.write(path_of(key, place), kept, expected)
        except EtcdError as error:
            raise ApiError(500, "InternalError", str(error)) from error
        # Whoever wrote reads what was written.
        if revision is not None:
            self._catch_up(revision)
        return revision

    def _newest(self) -> int:
        try:
            return self._etcd.range(OTHERS[0])[1]
        except EtcdError as error:
            raise ApiError(500, "InternalError", str(error)) from error

    def _catch_up(self, revision: int) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._revision >= revision, _CATCH_UP_SECONDS):
                raise ApiError(500, "InternalError", "etcdserver: request timed out, waiting for the watch to catch up")

    def _check_heard(self) -> None:
        if time.monotonic() - self._heard > _STALE_SECONDS:
            raise ApiError(500, "InternalError", "etcdserver: request timed out")

    def _pulse(self) -> None:
        while not self._stopped.wait(_PULSE_SECONDS):
            try:
                self._etcd.call("/v3/kv/range", {"key": "AA=="}, 3.0)
                self._heard = time.monotonic()
            except EtcdError as error:
                if time.monotonic() - self._heard > _STALE_SECONDS / 2:
                    log.error(f"Failed to test etcd connection: {error}")

    def _follow(self) -> None:
        while not self._stopped.is_set():
            try:
                for answer in self._etcd.stream("/", self._revision + 1):
                    if answer.get("canceled"):
                        # Older than the last compaction: look at everything again.
                        self._look_again()
                        break
                    for event in answer.get("events") or []:
                        self._apply(row_of(event["kv"]), event.get("type") == "DELETE")
            except EtcdError as error:
                if not self._stopped.is_set():
                    log.warning(f"etcd: {error}")
            self._stopped.wait(0.2)

    def _look_again(self) -> None:
        rows, revision = self._etcd.range(PREFIX)
        present = {row.key for row in rows}
        gone = [
            path_of(key, place)
            for key, objects in list(self._objects.items())
            for place in list(objects)
            if path_of(key, place) not in present
        ]
        for row in sorted(rows, key=lambda each: each.revision):
            if row.revision > self._revision:
                self._apply(row, False)
        for path in gone:
            self._apply(Row(path, "", revision), True)
        with self._changed:
            self._revision = max(self._revision, revision)
            self._changed.notify_all()

    def _apply(self, row: Row, deleted: bool) -> None:
        found = place_of(row.key)
        with self._changed:
            if found:
                self._take(found[0], found[1:], row, deleted)
            self._revision = row.revision
            self._changed.notify_all()

    def _take(self, key: str, place: Place, row: Row, deleted: bool) -> None:
        objects = self._objects.setdefault(key, {})
        before = objects.pop(place, None)
        if deleted and before is None:
            return
        if not deleted:
            objects[place] = Entry(row.revision, row.value)
        try:
            previous = None if before is None else self._text(key, place, before)
            if deleted:
                text, kind = _rendered(previous or "{}", row.revision), "DELETED"
            else:
                text, kind = self._text(key, place, objects[place]), "ADDED" if before is None else "MODIFIED"
        except ApiError as error:
            # Sealed with a key that this server does not have yet.
            log.error(error.message)
            return
        self._hub.publish(Event(row.revision, kind, key, *place, text, previous))
        self._published = row.revision


def path_of(key: str, place: Place) -> str:
    """Where etcd keeps an object."""
    return PREFIX + "/".join(part for part in (key, *place) if part)


def place_of(path: str) -> tuple[str, str, str] | None:
    """Resource key, namespace and name of a path; None for what is no object."""
    if not path.startswith(PREFIX) or path.startswith(OTHERS):
        return None
    key, *place = path.removeprefix(PREFIX).split("/")
    return (key, place[0], place[1]) if len(place) == 2 else (key, "", place[0])


def _identity(obj: Obj) -> Place:
    metadata = obj["metadata"]
    return metadata.get("namespace") or "", metadata["name"]


def _rendered(text: str, revision: int) -> str:
    obj = _load(text)
    obj["metadata"]["resourceVersion"] = str(revision)
    return json.dumps(obj, separators=(",", ":"))


def _load(text: str) -> Obj:
    value: Obj = json.loads(text)
    return value
