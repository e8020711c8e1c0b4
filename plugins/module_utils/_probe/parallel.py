# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: checks side by side, none of which can hold up the others or the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any


def gather(checks: Mapping[str, Callable[[], Any]], seconds: float) -> tuple[dict[str, Any], dict[str, str]]:
    """Results by name, and why there is none: an error of the system, or that time was up."""
    results: dict[str, Any] = {}
    errors: dict[str, str] = {}

    def work(name: str, check: Callable[[], Any]) -> None:
        try:
            results[name] = check()
        except OSError as error:
            errors[name] = str(error)

    # daemons, since a name look-up cannot be interrupted and must not be waited for
    threads = {name: threading.Thread(target=work, args=entry, daemon=True) for name, entry in _entries(checks)}
    end = time.monotonic() + seconds
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(0.0, end - time.monotonic()))
    late = [name for name, thread in threads.items() if thread.is_alive() and name not in results]
    return dict(results), {**errors, **dict.fromkeys(late, f"not finished after {seconds:.0f} s")}


def _entries(checks: Mapping[str, Callable[[], Any]]) -> list[tuple[str, tuple[str, Callable[[], Any]]]]:
    return [(name, (name, check)) for name, check in checks.items()]
