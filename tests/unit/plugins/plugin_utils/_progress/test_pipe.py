# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The painter never keeps a run from going on or from ending."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.plugin_utils._progress import pipe
from ansible_collections.fletcherlabs.homelab.plugins.plugin_utils._progress.pipe import Painter


def process(painter: Painter) -> int:
    assert painter._process is not None
    return painter._process.pid


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_it_ends_when_it_is_told_to() -> None:
    painter = Painter(live=False, colour=False, heartbeat=60.0)
    pid = process(painter)
    painter.tell("task", "a")
    started = time.monotonic()
    painter.stop()
    assert time.monotonic() - started < pipe.PATIENCE + 1
    assert is_gone(pid)
    painter.tell("task", "b")
    painter.stop()


def test_one_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "PATIENCE", 0.2)
    painter = Painter(live=False, colour=False, heartbeat=60.0)
    pid = process(painter)
    os.kill(pid, signal.SIGSTOP)
    started = time.monotonic()
    painter.stop()
    assert time.monotonic() - started < 2
    assert is_gone(pid)


def test_one_that_reads_nothing_does_not_delay_the_run() -> None:
    painter = Painter(live=False, colour=False, heartbeat=60.0)
    os.kill(process(painter), signal.SIGSTOP)
    started = time.monotonic()
    for _ in range(2000):
        painter.tell("task", "x" * 1000)
    assert time.monotonic() - started < 5
    os.kill(process(painter), signal.SIGCONT)
    painter.stop()


def test_a_full_disk_does_not_stop_the_run() -> None:
    painter = Painter(live=False, colour=False, heartbeat=60.0)
    pid = process(painter)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, painter._events)
    os.close(full)
    painter.tell("task", "a")
    assert is_gone(pid)
    painter.stop()


def test_one_that_died_does_not_stop_the_run() -> None:
    painter = Painter(live=False, colour=False, heartbeat=60.0)
    os.kill(process(painter), signal.SIGKILL)
    time.sleep(0.3)
    painter.tell("task", "a")
    painter.tell("task", "b")
    painter.stop()


def test_one_that_cannot_start_does_not_stop_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    painter = Painter(live=False, colour=False, heartbeat=60.0)
    painter.tell("task", "a")
    painter.stop()


def test_a_fork_does_not_stop_the_painter_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    painter = Painter(live=False, colour=False, heartbeat=60.0)
    pid, getpid = process(painter), os.getpid
    own: Callable[[], int] = lambda: getpid() + 1  # noqa: E731
    kept = painter._process
    monkeypatch.setattr(os, "getpid", own)
    painter.stop()
    monkeypatch.undo()
    assert not is_gone(pid)
    painter._process = kept
    painter.stop()
    assert is_gone(pid)
