# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop every controller runs in: reconcile at start, on change of what it watches, and from time to time."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Collection

from lab.k3s_standin import log
from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.errors import AlreadyExists, Conflict, NotFound

# Changes come in bursts; one reconciliation answers all of them.
_SETTLE_SECONDS = 0.05
_RETRY_SECONDS = 1.0


class Loop:
    """Calls `sync` in a thread of its own until stopped."""

    def __init__(
        self, name: str, client: Client, keys: Collection[str], interval: float, sync: Callable[[], None]
    ) -> None:
        self._name = name
        self._client = client
        self._keys = frozenset(keys)
        self._interval = interval
        self._sync = sync
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        only = next(iter(self._keys)) if len(self._keys) == 1 else None
        self._watch = client.watch(only)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the current reconciliation."""
        self._stop.set()
        self._watch.close()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        reported = ""
        while not self._stop.is_set():
            wait, problem = self._interval, ""
            try:
                self._sync()
            except (NotFound, Conflict, AlreadyExists):
                # Somebody else was quicker; look again soon.
                wait = _RETRY_SECONDS
            except Exception:  # a controller outlives one bad object, as upstream's do
                problem = traceback.format_exc()
            if problem and problem != reported:
                log.error(f"controller {self._name} failed: {problem}")
            reported = problem
            self._wait(wait)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._watch.closed:
            event = self._watch.next(left)
            if event is not None and event.key in self._keys:
                break
        self._stop.wait(_SETTLE_SECONDS)
        while self._watch.next(0.0) is not None:
            pass
