# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fan-out of changes to watchers, with a bounded history so that a watcher can start a little in the past."""

from __future__ import annotations

import json
import queue
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from lab.k3s_standin.api.errors import Gone, Obj

HISTORY_EVENTS = 2048
HISTORY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Event:
    """One change; objects are kept as JSON text, which is what most watchers send on unread."""

    revision: int
    type: str
    key: str
    namespace: str
    name: str
    text: str
    previous_text: str | None = None

    @property
    def object(self) -> Obj:
        """The object after the change (before it, for DELETED)."""
        return _load(self.text)

    @property
    def previous(self) -> Obj | None:
        """The object before the change."""
        return None if self.previous_text is None else _load(self.previous_text)


class Watch:
    """One watcher's stream of events."""

    def __init__(self, hub: WatchHub, key: str | None, namespace: str | None) -> None:
        self._hub = hub
        self._key = key
        self._namespace = namespace
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.closed = False

    def wants(self, event: Event) -> bool:
        """Whether this watcher asked for the event's resource and namespace."""
        return self._key in (None, event.key) and self._namespace in (None, "", event.namespace)

    def put(self, event: Event | None) -> None:
        """Hand over an event, or None to end the stream."""
        self._queue.put(event)

    def next(self, timeout: float | None = None) -> Event | None:
        """Wait for an event; None when the time is over or the watch was closed (see `closed`)."""
        if self.closed:
            return None
        try:
            event = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        if event is None:
            self.closed = True
        return event

    def close(self) -> None:
        """End the stream; safe from any thread."""
        self._hub.forget(self)
        self._queue.put(None)

    def __iter__(self) -> Iterator[Event]:
        while (event := self.next()) is not None:
            yield event


class WatchHub:
    """All watchers of one store."""

    def __init__(self, revision: int) -> None:
        self._lock = threading.Lock()
        self._watchers: set[Watch] = set()
        self._history: deque[Event] = deque()
        self._bytes = 0
        self._oldest = revision
        self._stopped = False

    def publish(self, event: Event) -> None:
        """Record the event and pass it on; the store calls this in revision order."""
        with self._lock:
            self._history.append(event)
            self._bytes += _size(event)
            while len(self._history) > HISTORY_EVENTS or self._bytes > HISTORY_BYTES:
                dropped = self._history.popleft()
                self._bytes -= _size(dropped)
                self._oldest = dropped.revision
            for watcher in self._watchers:
                if watcher.wants(event):
                    watcher.put(event)

    def open(self, key: str | None, namespace: str | None, since: int) -> Watch:
        """Start a watch with everything newer than `since`."""
        with self._lock:
            newest = self._history[-1].revision if self._history else self._oldest
            if not self._oldest <= since <= max(newest, self._oldest):
                # Older than the history, or (after a snapshot was restored) of another one.
                raise Gone(since, self._oldest)
            watch = Watch(self, key, namespace)
            for event in self._history:
                if event.revision > since and watch.wants(event):
                    watch.put(event)
            if self._stopped:
                watch.put(None)
            self._watchers.add(watch)
            return watch

    def forget(self, watch: Watch) -> None:
        """Stop feeding a watcher."""
        with self._lock:
            self._watchers.discard(watch)

    def stop(self) -> None:
        """End every watch, now and in future."""
        with self._lock:
            self._stopped = True
            for watcher in self._watchers:
                watcher.put(None)
            self._watchers.clear()


def _load(text: str) -> Obj:
    value: Obj = json.loads(text)
    return value


def _size(event: Event) -> int:
    return len(event.text) + len(event.previous_text or "")
