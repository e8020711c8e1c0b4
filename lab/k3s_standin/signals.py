# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGTERM and SIGINT as an event to wait for."""

from __future__ import annotations

import signal
import threading
from typing import Any


def stop_event() -> threading.Event:
    """An event that the first of these signals sets."""
    stop = threading.Event()

    def handle(*_: Any) -> None:
        # In a thread: a handler runs inside whatever the main thread does, which may be holding the event's own lock.
        threading.Thread(target=stop.set, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    return stop
