# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks side by side."""

from __future__ import annotations

import threading
import time

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.parallel import gather


def test_results_errors_and_what_is_late() -> None:
    release = threading.Event()

    def broken() -> None:
        raise OSError("no such device")

    began = time.monotonic()
    results, errors = gather({"good": lambda: 1, "bad": broken, "late": lambda: release.wait(5)}, 0.3)
    assert time.monotonic() - began < 2
    release.set()
    assert results == {"good": 1}
    assert errors == {"bad": "no such device", "late": "not finished after 0 s"}
