# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines as logrus writes them to a file or journal, and the word to systemd that the service is up."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from typing import NoReturn


def _line(level: str, message: str) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    # One write for each line: threads must not interleave.
    sys.stderr.write(f'time="{stamp}" level={level} msg={json.dumps(message, ensure_ascii=False)}\n')
    sys.stderr.flush()


def info(message: str) -> None:
    """Write an info line."""
    _line("info", message)


def warning(message: str) -> None:
    """Write a warning line."""
    _line("warning", message)


def error(message: str) -> None:
    """Write an error line."""
    _line("error", message)


def fatal(message: str) -> NoReturn:
    """Write a fatal line and end the process as logrus.Fatal does."""
    _line("fatal", message)
    sys.exit(1)


def notify(state: str) -> None:
    """Tell systemd (sd_notify); does nothing outside a unit of Type=notify."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        try:
            channel.sendto(state.encode(), address)
        except OSError as problem:
            warning(f"systemd cannot be told {state!r}: {problem}")
