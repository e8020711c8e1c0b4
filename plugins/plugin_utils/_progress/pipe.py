# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the end of the painter's pipe that Ansible writes to; it may not delay or break a run."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

PAINTER = Path(__file__).with_name("painter.py")
# A painter that read nothing for so long is stopped, or its terminal is.
BACKLOG = 1 << 20
PATIENCE = 1.0
STDOUT = 1


class Painter:
    """The painter's process, as long as it reads."""

    def __init__(self, live: bool, colour: bool, heartbeat: float) -> None:
        argv = [sys.executable, "-I", "-S", str(PAINTER), "live" if live else "log", str(os.getpid())]
        argv += ["colour" if colour else "plain", str(heartbeat)]
        self._owner = os.getpid()
        self._unsent = b""
        self._process: subprocess.Popen[bytes] | None = None
        # Ansible has its own standard output closed on exec, so it is named. Without a painter a run is the same.
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=STDOUT, stderr=subprocess.DEVNULL)
        if self._process and self._process.stdin:
            os.set_blocking(self._process.stdin.fileno(), False)

    def tell(self, *event: str) -> None:
        """Send an event, or keep it for the next time when the pipe is full."""
        if self._process is None or self._process.stdin is None:
            return
        self._unsent += json.dumps(event).encode() + b"\n"
        try:
            self._unsent = self._unsent[os.write(self._process.stdin.fileno(), self._unsent) :]
        except BlockingIOError:
            if len(self._unsent) > BACKLOG:
                self.stop()
        except OSError:
            self.stop()

    def stop(self) -> None:
        """Have it give the terminal back and end; a copy of this process that Ansible forked does nothing here."""
        process, self._process = self._process, None
        if process is None or os.getpid() != self._owner:
            return
        if process.stdin:
            with contextlib.suppress(OSError):
                os.write(process.stdin.fileno(), self._unsent + b'["end"]\n')
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
