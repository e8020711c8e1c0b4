# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switches that make the double fail: a file that is read at every use."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from lab.pve.errors import TaskError


class Faults:
    """What is to go wrong just now; README.md lists the keys."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "faults.json"

    def get(self, key: str) -> Any:
        """The value of a switch, or None."""
        try:
            return json.loads(self._path.read_text()).get(key)
        except FileNotFoundError:
            return None

    def named(self, key: str, name: str) -> Any:
        """What a switch says of one name."""
        return (self.get(key) or {}).get(name)

    def delay(self, method: str) -> None:
        """An API that takes its time to answer, reading or writing."""
        time.sleep(float((self.get("delay") or {}).get(method, 0)))

    def half_way(self, kind: str) -> None:
        """Called by each task when half of its work is done."""
        time.sleep(float(self.named("slow_task", kind) or 0))
        if self.named("die_in_task", kind):
            # as a power cut: nothing is written, nobody is told
            os._exit(1)
        if sentence := self.named("fail_task", kind):
            raise TaskError(str(sentence))
