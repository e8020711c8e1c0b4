# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's wrapper, against an exact script of calls and answers."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from lab.command import Answer, must, run
from lab.engine import Engine
from lab.errors import LabError
from lab.nodeimage import remove_images


class Script:
    """Answers calls in order; an unexpected or missing call fails the test."""

    def __init__(self, *steps: tuple[str, Answer]) -> None:
        self.steps = list(steps)

    def __call__(self, argv: Sequence[str], stdin: str) -> Answer:
        expected, answer = self.steps.pop(0)
        assert " ".join(argv) == expected
        return answer


def test_inspect_tells_a_missing_container_from_a_stopped_one() -> None:
    stopped = json.dumps([{"State": {"Running": False}}])
    script = Script(
        ("docker container inspect a", Answer(1, "[]", "No such container")),
        ("docker container inspect b", Answer(0, stopped, "")),
    )
    engine = Engine(script)
    assert engine.inspect("a") is None
    assert engine.inspect("b") == {"State": {"Running": False}}
    assert script.steps == []


def test_containers_are_found_by_the_labs_label_only() -> None:
    script = Script(
        (
            "docker ps --all --filter label=fletcherlabs.homelab.lab=twin --format {{.Names}}",
            Answer(0, "twin-k3s1\ntwin-k3s2\n", ""),
        )
    )
    assert Engine(script).containers("twin") == ["twin-k3s1", "twin-k3s2"]


def test_remove_of_nothing_calls_nothing() -> None:
    Engine(Script()).remove([])


def test_failure_names_the_command_and_its_last_complaint() -> None:
    script = Script(
        ("docker network rm twin", Answer(1, "", "Error: first\nError: network twin has active endpoints\n"))
    )
    with pytest.raises(LabError, match="'docker network rm twin' ended with status 1: Error: network twin has active"):
        Engine(script).call("network", "rm", "twin")


def test_images_go_until_none_goes_any_more(capsys: pytest.CaptureFixture[str]) -> None:
    listing = "docker image ls --quiet --no-trunc --filter label=fletcherlabs.homelab.lab"
    script = Script(
        (listing, Answer(0, "base\nnode\n", "")),
        ("docker image rm base", Answer(1, "", "image has dependent child images")),
        ("docker image rm node", Answer(0, "", "")),
        (listing, Answer(0, "base\n", "")),
        ("docker image rm base", Answer(1, "", "image is being used by stopped container")),
        (listing, Answer(0, "base\n", "")),
    )
    remove_images(Engine(script))
    assert script.steps == []
    assert capsys.readouterr().out == "lab: 1 images stay, for containers still use them\n"


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(LabError, match="ended with status 127: no-such-program is not installed"):
        must(run, ["no-such-program"])
