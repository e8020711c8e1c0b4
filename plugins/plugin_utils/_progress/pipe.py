# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: Ansible's end of the painter, which may neither delay nor break a run."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PAINTER = Path(__file__).with_name("painter.py")
PATIENCE = 1.0
STDOUT = 1


class Painter:
    """The painter's process, and the file that it reads; without either a run is the same."""

    def __init__(self, live: bool, colour: bool, heartbeat: float) -> None:
        self._owner = os.getpid()
        self._process: subprocess.Popen[bytes] | None = None
        self._events = -1
        with contextlib.suppress(OSError):
            # it has no name, so that nothing is left of it whatever happens
            with tempfile.TemporaryFile() as file:
                self._events = os.dup(file.fileno())
            argv = [sys.executable, "-I", "-S", str(PAINTER), "live" if live else "log", str(self._owner)]
            argv += ["colour" if colour else "plain", str(heartbeat), str(self._events)]
            # Ansible has its own standard output closed on exec, so it is named.
            self._process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=STDOUT, stderr=subprocess.DEVNULL, pass_fds=[self._events]
            )

    def tell(self, *event: str) -> None:
        """Have it know what happens; one that nobody can write to any more has nothing to say."""
        if self._process is None:
            return
        try:
            os.write(self._events, json.dumps([time.time(), *event]).encode() + b"\n")
        except OSError:
            self.stop()

    def stop(self) -> None:
        """Have it give the terminal back and end; a copy of this process that Ansible forked does nothing here."""
        process, self._process = self._process, None
        if process is None or os.getpid() != self._owner:
            return
        with contextlib.suppress(OSError):
            os.close(self._events)
        if process.stdin:
            # forks have the pipe too, so that closing it would not be enough
            with contextlib.suppress(OSError):
                os.write(process.stdin.fileno(), b"end")
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
