# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch answers: one JSON line for each event, until the time is over or the client has gone."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator

from lab.k3s_standin.api.errors import Obj, bad_request
from lab.k3s_standin.api.selectors import Predicate
from lab.k3s_standin.api.stores import Store
from lab.k3s_standin.api.watch import Event, Watch

BOOKMARK_SECONDS = 60
# How long a client that went away without a word may keep its thread.
LOOK_SECONDS = 30
Render = Callable[[Obj], Obj]


def watch_stream(
    store: Store,
    key: str,
    namespace: str | None,
    query: dict[str, str],
    matches: Predicate | None,
    render: Render | None,
    bookmark: Callable[[int, bool], Obj],
    gone: Callable[[], bool],
) -> Iterator[bytes]:
    """Open the watch now (so that 410 is a proper answer), and give the iterator that feeds the client."""
    asked = query.get("resourceVersion", "")
    if asked and not asked.isdigit():
        raise bad_request(
            f'resourceVersion: Invalid value: "{asked}": strconv.ParseUint: parsing "{asked}": invalid syntax'
        )
    initial = query.get("sendInitialEvents") == "true"
    existing: list[Obj] = []
    if asked in ("", "0") or initial:
        existing, revision = store.list(key, namespace)
    else:
        revision = int(asked)
    watch = store.watch(key, namespace, revision)
    seconds = int(query.get("timeoutSeconds") or 0) or random.randint(1800, 3600)
    bookmarks = query.get("allowWatchBookmarks") == "true"
    first = [
        _line("ADDED", obj if render is None else render(obj)) for obj in existing if matches is None or matches(obj)
    ]
    if initial and bookmarks:
        first.append(_line("BOOKMARK", bookmark(revision, True)))
    return _feed(store, watch, first, seconds, bookmarks, matches, render, bookmark, gone)


def _feed(
    store: Store,
    watch: Watch,
    first: list[bytes],
    seconds: int,
    bookmarks: bool,
    matches: Predicate | None,
    render: Render | None,
    bookmark: Callable[[int, bool], Obj],
    gone: Callable[[], bool],
) -> Iterator[bytes]:
    deadline = time.monotonic() + seconds
    next_bookmark = time.monotonic() + BOOKMARK_SECONDS
    try:
        yield from first
        while (left := deadline - time.monotonic()) > 0 and not watch.closed:
            revision = store.revision
            event = watch.next(min(left, LOOK_SECONDS))
            if event is not None:
                line = _event_line(event, matches, render)
                if line:
                    yield line
            elif gone():
                return
            elif bookmarks and time.monotonic() >= next_bookmark:
                next_bookmark = time.monotonic() + BOOKMARK_SECONDS
                # Nothing came while waiting, so all changes up to the revision read before it were sent.
                yield _line("BOOKMARK", bookmark(revision, False))
    finally:
        watch.close()


def _event_line(event: Event, matches: Predicate | None, render: Render | None) -> bytes | None:
    kind = event.type
    if matches is not None:
        # An object that starts or stops matching appears or disappears for this watcher.
        previous = event.previous
        before = previous is not None and matches(previous)
        after = kind != "DELETED" and matches(event.object)
        if not before and not after:
            return None
        kind = "MODIFIED" if before and after else "ADDED" if after else "DELETED"
    if render is None:
        return b'{"type":"%s","object":%s}\n' % (kind.encode(), event.text.encode())
    return _line(kind, render(event.object))


def _line(kind: str, obj: Obj) -> bytes:
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"
