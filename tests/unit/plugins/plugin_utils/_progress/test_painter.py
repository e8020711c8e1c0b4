# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two lines at every width, whatever the events are."""

from __future__ import annotations

import os
import tempfile

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.plugin_utils._progress import painter
from ansible_collections.fletcherlabs.homelab.plugins.plugin_utils._progress.painter import State

HOSTS = [f"k3s{number}" for number in range(1, 6)]


def state(*events: list[str]) -> State:
    made = State(started=0.0)
    for event in (["layers", "preflight", "hosts"], ["play", "hosts", "Prepare", *HOSTS], *events):
        made.take(event, 100.0)
    return made


def lines(made: State, width: int, now: float = 105.0) -> list[str]:
    spans = [painter.first_line(made, width, now), painter.second_line(made, width)]
    return [painter.paint(line, width, colour=False) for line in spans]


def test_a_run_in_two_lines() -> None:
    made = state(
        ["task", "Install K3s"],
        ["host", "k3s1", "done"], ["host", "k3s2", "running"], ["host", "k3s3", "failed"],
        ["host", "k3s4", "unreachable"], ["host", "k3s5", "running"], ["note", "k3s5", "3/60"],
    )  # fmt: skip
    assert lines(made, 100, 3725.0) == [
        "1:02:05  hosts 2/2: Install K3s  1:00:25",
        "failed k3s3  unreachable k3s4  running k3s2 k3s5 (3/60)  done 1 of 5",
    ]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (80, "running k3s1 k3s2 k3s3 k3s4 k3s5  done 0 of 5"),
        (40, "running k3s1 k3s2 k3s3 +2  done 0 of 5"),
        (30, "running k3s1 +4  done 0 of 5"),
        (24, "running 5  done 0 of 5"),
        (16, "running 5  do..."),
    ],
)
def test_names_give_way_to_counts(width: int, expected: str) -> None:
    made = state(["task", "a"], *(["host", name, "running"] for name in HOSTS))
    assert lines(made, width)[1] == expected


@pytest.mark.parametrize("width", range(1, 130))
def test_no_line_is_wider_than_its_terminal(width: int) -> None:
    kinds = ["failed", "unreachable", "running", "done", "running"]
    made = state(
        ["task", "Ein Schlüssel 鍵 für k3s-master1.example.org " * 3],
        *(["host", f"node-with-a-long-name-{number}-鍵", kinds[number % 5]] for number in range(40)),
    )
    assert all(painter.columns(line) <= width for line in lines(made, width))


def test_a_failed_host_is_named_however_many_run() -> None:
    made = state(
        ["task", "a"], *(["host", f"k3s{number}", "running"] for number in range(40)), ["host", "k3s7", "failed"]
    )
    line = lines(made, 60)[1]
    assert line.startswith("failed k3s7  running k3s1 k3s2 ")
    assert line.endswith("  done 0 of 40")


def test_what_a_host_was_told_to_do_ends_with_its_result() -> None:
    made = state(["task", "a"], ["host", "k3s1", "running"], ["note", "k3s1", "1/3"], ["host", "k3s1", "done"])
    assert lines(made, 80)[1] == "done 1 of 5"
    made.take(["task", "b"], 101.0)
    assert lines(made, 80)[1] == "done 0 of 5"


def test_a_host_that_failed_stays_so() -> None:
    made = state(["task", "a"], ["host", "k3s1", "failed"], ["host", "k3s1", "done"], ["task", "b"])
    assert made.names("failed") == ["k3s1"]


def test_a_play_without_a_task_yet_shows_its_own_name() -> None:
    assert lines(state(), 80)[0] == "0:01:45  hosts 2/2: Prepare  0:00:05"


def test_a_single_layer_is_not_counted() -> None:
    made = State(started=0.0)
    made.take(["layers", "verify"], 0.0)
    made.take(["play", "verify", "Look"], 0.0)
    assert lines(made, 80, 1.0)[0] == "0:00:01  verify: Look  0:00:01"


@pytest.mark.parametrize("event", [[], ["host"], ["host", "a"], ["play"], ["unknown", "a"], ["task"], ["note", "a"]])
def test_an_event_that_makes_no_sense_changes_nothing(event: list[str]) -> None:
    made, same = state(), state()
    made.take(event, 200.0)
    assert made == same


def test_a_name_cannot_command_the_terminal() -> None:
    assert painter.clean("a\x1b[2J\nb\x07\u202e c") == "a [2J b c"


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [("abc", 3, "abc"), ("abcdef", 5, "ab..."), ("abcdef", 3, "..."), ("abcdef", 0, ""), ("鍵鍵鍵", 5, "鍵...")],
)
def test_text_is_cut_at_columns(text: str, width: int, fitted: str) -> None:
    assert painter.fit(text, width) == fitted


def test_colours_are_none_where_none_are_wanted() -> None:
    spans = [("0:00:01", "time"), (" text", "")]
    assert painter.paint(spans, 80, colour=False) == "0:00:01 text"
    assert painter.paint(spans, 80, colour=True) == "\x1b[1m0:00:01\x1b[0m text"


@pytest.mark.parametrize(
    ("environment", "on_terminal", "paints"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "CI": ""}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({}, True, False),
        ({"TERM": "xterm", "CI": "true"}, True, False),
    ],
)
def test_a_terminal_in_front_of_a_person(environment: dict[str, str], on_terminal: bool, paints: bool) -> None:
    assert painter.may_paint(environment, on_terminal) == paints


def test_a_log_hears_of_a_long_task_after_60_then_120_seconds_and_so_on() -> None:
    made = state(["task", "Install"], ["host", "k3s1", "running"])
    told = [now for now in range(100, 4000) if painter.heartbeat(made, float(now))]
    assert [now - 100 for now in told] == [60, 120, 240, 480, 960, 1560, 2160, 2760, 3360]
    made.take(["task", "Next"], 4000.0)
    assert painter.heartbeat(made, 4059.0) == ""
    assert painter.heartbeat(made, 4060.0) == "... 1:07:40 hosts: Next: 0:01:00\n"


def test_a_log_that_wants_no_heartbeat_has_none() -> None:
    made = state(["task", "Install"])
    made.heartbeat = 0.0
    assert painter.heartbeat(made, 99999.0) == ""


def test_events_are_read_when_their_line_is_whole() -> None:
    with tempfile.TemporaryFile() as file:
        events = painter.Events(file.fileno())
        assert list(events.new()) == []
        os.write(file.fileno(), b'[1.5, "task", "a\\u001b"]\n[2.5, "ta')
        assert list(events.new()) == [["1.5", "task", "a"]]
        os.write(file.fileno(), b'sk", "b"]\n')
        assert list(events.new()) == [["2.5", "task", "b"]]
        assert list(events.new()) == []
