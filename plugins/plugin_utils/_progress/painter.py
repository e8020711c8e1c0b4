# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: a program that keeps the last two lines of a terminal up to date while Ansible runs.

A process of its own: Ansible forks for every task, which no thread would survive, and a run that is killed cannot tidy
up after itself. It reads events from a file, one JSON list a line, a few times a second: a pipe would have Ansible give
way to it at each event. It ends with its parent, or when there is anything on its standard input, and needs only the
standard library.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType

LINES = 2
MIN_COLUMNS = 20
MIN_ROWS = 8
# seconds between two looks at the file: with a terminal, and for a log
LOOK = {True: 0.2, False: 1.0}
# what takes long is told after some time, after twice that time, and so on, but at least so often
AGAIN = 600.0
COLOURS = {"failed": "31", "unreachable": "91", "running": "36", "time": "1", "layer": "34"}
# No region, and nothing below the cursor: there is never anything but the two lines, wherever a resize has moved them.
CLEAR = "\x1b7\x1b[r\x1b8\x1b[J"
# what must never be cut off comes first
ORDER = ("failed", "unreachable", "running")

# text, name of its colour
Span = tuple[str, str]


@dataclass
class State:
    """All that the events have told."""

    started: float
    colour: bool = False
    heartbeat: float = 60.0
    layers: list[str] = field(default_factory=list)
    layer: str = ""
    play: str = ""
    task: str = ""
    task_started: float = 0.0
    # host -> running, done, failed, unreachable, or nothing yet, in the order of their appearance
    hosts: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    # when a log has to hear of this task again
    due: float = 0.0

    def take(self, event: list[str], now: float) -> None:
        """Change by one event; one that is not known changes nothing."""
        kind, *values = event or [""]
        if kind == "layers":
            self.layers = values
        elif kind == "play" and len(values) >= 2:
            self.layer, self.play = values[:2]
            self._work("", now)
            self.hosts = {name: self.hosts.get(name, "") for name in [*self.hosts, *values[2:]]}
        elif kind == "task" and values:
            self._work(values[0], now)
        elif kind == "note" and len(values) == 2:
            self.notes[values[0]] = values[1]
        elif kind == "host" and len(values) == 2:
            self._host(values[0], values[1])

    def _work(self, task: str, now: float) -> None:
        self.task, self.task_started, self.due = task, now, now + self.heartbeat
        self.notes = {}
        self.hosts = {name: state if state in ("failed", "unreachable") else "" for name, state in self.hosts.items()}

    def _host(self, name: str, state: str) -> None:
        self.notes.pop(name, None)
        # a host that failed and was rescued goes on
        if state != "done" or self.hosts.get(name) not in ("failed", "unreachable"):
            self.hosts[name] = state

    def names(self, state: str) -> list[str]:
        """The hosts in a state, with what is to be said about each."""
        found = [name for name, its in self.hosts.items() if its == state]
        return [f"{name} ({self.notes[name]})" if name in self.notes else name for name in found]


def may_paint(environment: Mapping[str, str], on_terminal: bool) -> bool:
    """Whether standard output is a terminal in front of a person."""
    return on_terminal and environment.get("TERM", "dumb") not in ("", "dumb") and not environment.get("CI")


def span_of_time(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def columns(text: str) -> int:
    """The columns that a text takes on a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def clean(text: str) -> str:
    """The text on one line, without anything that a terminal would obey."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def fit(text: str, width: int) -> str:
    """The text, or as much of its beginning as there is room for."""
    if columns(text) <= width:
        return text
    kept = ""
    for character in text:
        if columns(kept + character) > width - 3:
            break
        kept += character
    return (kept.rstrip() + "...")[: max(width, 0)]


def first_line(state: State, width: int, now: float) -> list[Span]:
    """Since when, which layer, which task and since when that."""
    place = state.layer
    if len(state.layers) > 1 and state.layer in state.layers:
        place += f" {state.layers.index(state.layer) + 1}/{len(state.layers)}"
    spans = [(span_of_time(now - state.started), "time"), (f"  {place}: ", "layer")]
    since = f"  {span_of_time(now - state.task_started)}"
    room = width - sum(columns(text) for text, _colour in spans) - len(since)
    return [*spans, (fit(state.task or state.play, room), ""), (since, "time")] if room > 0 else spans


def second_line(state: State, width: int) -> list[Span]:
    """The hosts by what they do; names as far as there is room, counts always."""
    spans: list[Span] = []
    counts = {kind: state.names(kind) for kind in ORDER}
    done = len(state.names("done"))
    tail = f"done {done} of {len(state.hosts)}"
    room = width - columns(tail)
    for position, kind in enumerate(ORDER):
        if counts[kind]:
            # each kind that follows needs its word, a count and a gap
            later = sum(len(other) + 6 for other in ORDER[position + 1 :] if counts[other])
            text = fit_names(kind, counts[kind], room - later - 2)
            spans.append((text + "  ", kind))
            room -= columns(text) + 2
    return [*spans, (tail, "")]


def fit_names(word: str, names: list[str], room: int) -> str:
    """The word with names, and how many more there are; only the count where no name has room."""
    for shown in range(len(names), 0, -1):
        more = f" +{len(names) - shown}" if shown < len(names) else ""
        text = f"{word} {' '.join(names[:shown])}{more}"
        if columns(text) <= room:
            return text
    return f"{word} {len(names)}"


def paint(spans: list[Span], width: int, colour: bool) -> str:
    """The spans as one line of a terminal, cut at its width."""
    line = ""
    for text, name in spans:
        text = fit(text, width)
        width -= columns(text)
        line += f"\x1b[{COLOURS[name]}m{text}\x1b[0m" if colour and name in COLOURS and text else text
    return line


def heartbeat(state: State, now: float) -> str:
    """A line for a log in which nothing has happened for long; empty while there is nothing to say."""
    if not state.task or state.heartbeat <= 0 or now < state.due:
        return ""
    waited = now - state.task_started
    state.due = now + min(waited, AGAIN)
    running = state.names("running")
    where = " " + fit_names("on", running, 60) if running else ""
    return f"... {span_of_time(now - state.started)} {state.layer}: {state.task}: {span_of_time(waited)}{where}\n"


@dataclass
class Bottom:
    """The last lines of a terminal, kept out of what scrolls."""

    output: int
    size: tuple[int, int] = (0, 0)
    shown: str = ""

    def show(self, state: State, now: float) -> None:
        """Bring them up to date. Cursor and colour stay where they are, so that a prompt above is not disturbed."""
        size = tuple(os.get_terminal_size(self.output))
        width, height = size
        if width < MIN_COLUMNS or height < MIN_ROWS:
            self.release()
            return
        setup = ""
        if size != self.size:
            # Room below the cursor; index is a line feed that keeps the column.
            setup = CLEAR + "\x1bD" * LINES + f"\x1b[{LINES}A"
            self.size, self.shown = (width, height), ""
        lines = [first_line(state, width - 1, now), second_line(state, width - 1)]
        drawn = "".join(
            f"\x1b[{height - LINES + 1 + number};1H\x1b[0m\x1b[2K{paint(spans, width - 1, state.colour)}"
            for number, spans in enumerate(lines)
        )
        if setup or drawn != self.shown:
            # the region again each time: whatever ran in between may have reset it
            write(self.output, f"{setup}\x1b7\x1b[1;{height - LINES}r{drawn}\x1b8")
            self.shown = drawn

    def release(self) -> None:
        """Give the terminal back as it was."""
        if self.size != (0, 0):
            write(self.output, CLEAR)
        self.size, self.shown = (0, 0), ""


def write(output: int, text: str) -> None:
    """Write at once and whole: a terminal does not mix one write with another's."""
    left = text.encode("utf-8", errors="replace")
    while left:
        left = left[os.write(output, left) :]


@dataclass
class Events:
    """The file that Ansible appends to."""

    file: int
    position: int = 0
    unread: bytes = b""

    def new(self) -> Iterator[list[str]]:
        """What was added since the last time, whole lines only."""
        data = os.pread(self.file, 1 << 20, self.position)
        self.position += len(data)
        *lines, self.unread = (self.unread + data).split(b"\n")
        for line in lines:
            when, *event = json.loads(line)
            yield [str(when), *(clean(str(value)) for value in event)]


def main(live: bool, parent: int, state: State, events: Events) -> None:
    """Follow the events until they end or the parent does."""
    waker, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    bottom = Bottom(1)

    def suspended(_signal: int, _frame: FrameType | None) -> None:
        bottom.release()
        os.kill(os.getpid(), signal.SIGSTOP)

    # They are for the parent, whose end is seen here; a resize only wakes.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGWINCH, lambda _signal, _frame: None)
    if live:
        signal.signal(signal.SIGTSTP, suspended)
    try:
        while os.getppid() == parent:
            ready, _out, _err = select.select([0, waker], [], [], LOOK[live])
            if 0 in ready:
                return
            if waker in ready:
                os.read(waker, 1024)
            _look(live, state, events, bottom)
    finally:
        with contextlib.suppress(OSError):
            bottom.release()


def _look(live: bool, state: State, events: Events, bottom: Bottom) -> None:
    for when, *event in events.new():
        state.take(event, float(when))
    if live:
        bottom.show(state, time.time())
    elif told := heartbeat(state, time.time()):
        write(1, told)


if __name__ == "__main__":
    main(
        sys.argv[1] == "live",
        int(sys.argv[2]),
        State(time.time(), sys.argv[3] == "colour", float(sys.argv[4])),
        Events(int(sys.argv[5])),
    )
