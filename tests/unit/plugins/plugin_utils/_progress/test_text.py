# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results in words: sentences first, nothing lost, nothing twice."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.plugin_utils._progress import text

FAILURES: list[tuple[dict[str, Any], str, list[str], dict[str, Any], str]] = [
    ({"msg": "no disk", "changed": False, "failed": True}, "no disk", [], {}, "no disk"),
    (
        {"msg": "nothing was touched, since a; b", "problems": ["a", "b"]},
        "nothing was touched, since:", ["- a", "- b"], {}, "nothing was touched, since: a ...",
    ),
    ({"msg": "a; b", "reasons": ["a", "b"]}, "several errors:", ["- a", "- b"], {}, "several errors: a ..."),
    ({"msg": "a", "reasons": ["a"]}, "a", [], {}, "a"),
    ({"msg": "x: a; b; mend it", "reasons": ["a", "b"]}, "x:", ["- a", "- b", "; mend it"], {}, "x: a ..."),
    ({"msg": ["a", "b"]}, "several errors:", ["- a", "- b"], {}, "several errors: a ..."),
    ({"msg": "2 findings in x:\n f:1: a\n f:2: b"}, "2 findings in x:", [" f:1: a", " f:2: b"], {},
     "2 findings in x: f:1: a ..."),
    ({"msg": "no\n- a\n- b", "other": ["c"]}, "no", ["- a", "- b"], {"other": ["c"]}, "no: a ..."),
    ({"msg": "faults: 1\n- a"}, "faults: 1", ["- a"], {}, "faults: 1: a"),
    ({"msg": "a is gone\nb is gone"}, "a is gone", ["b is gone"], {}, "a is gone ..."),
    (
        {"msg": "non-zero return code", "rc": 2, "cmd": ["a"], "stdout": "", "stdout_lines": [], "stderr": "e\nwhy\n",
         "stderr_lines": ["e", "why"], "start": "1", "end": "2", "delta": "1"},
        "non-zero return code", [], {"rc": 2, "cmd": ["a"], "stderr": "e\nwhy\n"}, "non-zero return code: why",
    ),
    ({"msg": "Task failed: no route", "unreachable": True}, "no route", [], {}, "no route"),
    ({"censored": "hidden", "changed": True}, "hidden", [], {}, "hidden"),
    ({"msg": "no", "_ansible_no_log": False, "invocation": {"a": 1}, "warnings": ["a"]}, "no", [], {}, "no"),
    ({"rc": 0}, "no message", [], {"rc": 0}, "no message"),
    ({}, "no message", [], {}, "no message"),
]  # fmt: skip


@pytest.mark.parametrize(("result", "headline", "lines", "rest", "first"), FAILURES)
def test_a_failure(result: dict[str, Any], headline: str, lines: list[str], rest: dict[str, Any], first: str) -> None:
    told = text.failure(result)
    assert told == text.Told(headline, [f"    {line}" for line in lines], rest)
    assert told.first == first


def test_what_reads_well_as_it_is_is_not_made_yaml() -> None:
    rest = {
        "rc": 2, "cmd": ["sh", "-c", "echo 'a'"], "stderr": "why: because\n", "questions": ["a: b?", "c?"],
        "stdout": "a\nb", "wanted": {"a": 1}, "mixed": ["a", 1], "lines": ["a\nb"], "changes": True,
    }  # fmt: skip
    told = text.failure({"msg": "no", **rest})
    assert told.simple() == [
        "    rc: 2",
        "    cmd: sh -c 'echo '\"'\"'a'\"'\"''",
        "    stderr: why: because",
        "    questions:",
        "    - a: b?",
        "    - c?",
        "    changes: True",
    ]
    assert told.other() == {"stdout": "a\nb", "wanted": {"a": 1}, "mixed": ["a", 1], "lines": ["a\nb"]}


def test_who_wants_to_know_more_gets_everything() -> None:
    result = {"msg": "a; b", "reasons": ["a", "b"], "stdout": "", "delta": "1", "changed": False}
    assert text.failure(result, everything=True).rest == {
        "reasons": ["a", "b"], "stdout": "", "delta": "1", "changed": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ("one", ["one"]),
        ("a\nb", ["a", "b"]),
        (["a", "b\nc", "", 4], ["a", "b", "c", "", "4"]),
        (7, ["7"]),
        ("", [""]),
        ([], []),
        ({"a": 1}, None),
        ([{"a": 1}], None),
    ],
)
def test_a_message_in_lines(message: Any, lines: list[str] | None) -> None:
    assert text.plain(message) == lines


@pytest.mark.parametrize(
    ("label", "lines", "said"),
    [
        ("k3s1", ["waits"], "k3s1: waits"),
        ("k3s1", ["k3s1 waits"], "k3s1 waits"),
        ("k3s1", ["k3s12 waits"], "k3s1: k3s12 waits"),
        ("changed: [k3s1]", ["is rebooted"], "changed: [k3s1]: is rebooted"),
        ("k3s1", ["a", "", "b"], "k3s1:\n  a\n\n  b"),
        ("k3s1", [], "k3s1:"),
    ],
)
def test_who_says_it(label: str, lines: list[str], said: str) -> None:
    assert text.labelled(label, lines) == said


@pytest.mark.parametrize(
    ("result", "lines"),
    [
        (
            {"actions": [{"kind": "a", "sentence": "wrote x"}, {"sentence": "started y"}]},
            ["  - wrote x", "  - started y"],
        ),
        ({"actions": []}, []),
        ({"actions": ["start", {"kind": "a"}]}, []),
        ({"actions": "start"}, []),
        ({}, []),
    ],
)
def test_what_a_module_did(result: dict[str, Any], lines: list[str]) -> None:
    assert text.actions(result) == lines
