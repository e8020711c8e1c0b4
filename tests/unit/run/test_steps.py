# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner of `make test`: which steps run, when it stops, what CI reads."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.run.__main__ import run, summary
from tests.run.steps import CHECKS, Step, all_steps, choose

PASSES = (sys.executable, "-c", "pass")
FAILS = (sys.executable, "-c", "raise SystemExit(3)")


def leaves_a_mark(file: Path) -> tuple[str, ...]:
    return (sys.executable, "-c", f"open({str(file)!r}, 'w').close()")


@pytest.fixture
def scenarios(tmp_path: Path) -> Path:
    for name in ("node_base", "default", "k3s_agent"):
        folder = tmp_path / "molecule" / name
        folder.mkdir(parents=True)
        (folder / "molecule.yml").write_text("platforms: []\n" if name == "default" else "platforms:\n  - name: x\n")
    (tmp_path / "molecule" / "not_a_scenario").mkdir()
    return tmp_path


def test_every_scenario_is_a_step_and_the_whole_build_comes_last(scenarios: Path) -> None:
    names = [step.name for step in all_steps(scenarios)]
    assert names[len(CHECKS) :] == ["molecule-k3s_agent", "molecule-node_base", "molecule-default"]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (["mypy", "ruff"], ["ruff", "mypy"]),
        (["molecule"], ["molecule-k3s_agent", "molecule-node_base", "molecule-default"]),
        (["molecule-default"], ["molecule-default"]),
        (["ansible-lint"], ["ansible-lint"]),
    ],
)
def test_steps_keep_their_order_whatever_order_they_are_asked_in(
    scenarios: Path, wanted: list[str], names: list[str]
) -> None:
    assert [step.name for step in choose(all_steps(scenarios), wanted)] == names


def test_no_name_chooses_every_step(scenarios: Path) -> None:
    assert choose(all_steps(scenarios), []) == list(all_steps(scenarios))


def test_a_scenario_of_virtual_machines_runs_only_when_it_is_named(scenarios: Path) -> None:
    folder = scenarios / "molecule" / "disks_vm"
    folder.mkdir()
    (folder / "molecule.yml").write_text("platforms: []\n")
    steps = all_steps(scenarios)
    assert "molecule-disks_vm" not in [step.name for step in choose(steps, []) + choose(steps, ["molecule"])]
    assert [step.name for step in choose(steps, ["molecule-disks_vm"])] == ["molecule-disks_vm"]


def test_a_role_of_virtual_machines_is_tested_on_containers_every_time(scenarios: Path) -> None:
    folder = scenarios / "molecule" / "proxmox_vm"
    folder.mkdir()
    (folder / "molecule.yml").write_text("platforms: []\n")
    steps = all_steps(scenarios)
    assert "molecule-proxmox_vm" in [step.name for step in choose(steps, ["molecule"])]


def test_an_unknown_step_is_refused_by_name(scenarios: Path) -> None:
    with pytest.raises(ValueError, match="no step is called pylint; the steps are ruff, yamllint, "):
        choose(all_steps(scenarios), ["ruff", "pylint"])


def test_the_run_stops_at_the_first_failure(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    steps = [
        Step("good", (PASSES,)),
        Step("bad", (FAILS, leaves_a_mark(mark))),
        Step("never", (leaves_a_mark(mark),)),
    ]
    outcomes = run(steps, dict(os.environ), tmp_path)
    assert [(outcome.name, outcome.passed) for outcome in outcomes] == [("good", True), ("bad", False)]
    assert not mark.exists()
    lines = summary(outcomes, chosen=3, seconds=1.0).splitlines()
    assert lines[-2:] == ["stopped at the first failure: 1 steps did not run", "1 passed, 1 failed"]


def test_scenarios_whose_machines_are_called_alike_share_a_lane(scenarios: Path) -> None:
    lanes = {step.name: step.lane for step in all_steps(scenarios)}
    assert lanes["molecule-k3s_agent"] == lanes["molecule-node_base"] != lanes["molecule-default"]
    assert lanes["ruff"] == ""


def test_two_lanes_run_at_once_and_one_lane_does_not(tmp_path: Path) -> None:
    # each waits for the other's mark: only both at once can pass
    meet = "import pathlib, sys, time; own, other = map(pathlib.Path, sys.argv[1:]); own.touch()\n"
    meet += "for _ in range(100):\n    time.sleep(0.05)\n    if other.exists(): break\nelse: sys.exit(1)"
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    steps = [
        Step("a", ((sys.executable, "-c", meet, a, b),), "a"),
        Step("b", ((sys.executable, "-c", meet, b, a),), "b"),
    ]
    assert all(outcome.passed for outcome in run(steps, dict(os.environ), tmp_path))
    alone = "import pathlib, sys, time; p = pathlib.Path('alone'); p.mkdir(); time.sleep(0.2); p.rmdir()"
    steps = [Step(name, ((sys.executable, "-c", alone),), "one") for name in "cde"]
    assert [outcome.passed for outcome in run(steps, dict(os.environ), tmp_path)] == [True] * 3


def test_steps_that_wait_for_their_lane_keep_nobody_else_waiting(tmp_path: Path) -> None:
    slow = [Step(f"slow-{number}", (("sleep", "0.3"),), "one") for number in range(4)]
    ended = [outcome.name for outcome in run([*slow, Step("quick", (("true",),), "other")], dict(os.environ), tmp_path)]
    assert ended == ["quick", *(step.name for step in slow)]


def test_a_step_that_cannot_begin_is_an_error_and_ends_the_others(tmp_path: Path) -> None:
    steps = [Step("none", (("no-such-program",),), "one"), Step("next", (("true",),), "one")]
    with pytest.raises(FileNotFoundError):
        run(steps, dict(os.environ), tmp_path)


def test_a_failure_keeps_lanes_from_starting(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    steps = [Step("bad", (FAILS,)), Step("never", (leaves_a_mark(mark),), "x")]
    assert [outcome.passed for outcome in run(steps, dict(os.environ), tmp_path)] == [False]
    assert not mark.exists()


def test_the_end_says_why_a_scenario_failed(tmp_path: Path) -> None:
    said = "\x1b[31mfatal: [k3s1]: FAILED! => no route\x1b[0m\n  | E       AssertionError: seen 2\nok: [k3s2]"
    says = f"print({said!r}); exit(1)"
    outcomes = run([Step("bad", ((sys.executable, "-c", says),), "lane")], dict(os.environ), tmp_path)
    assert summary(outcomes, chosen=1, seconds=1.0).splitlines()[2:] == [
        "bad: fatal: [k3s1]: FAILED! => no route",
        "bad: | E       AssertionError: seen 2",
        "0 passed, 1 failed",
    ]


def test_the_last_line_counts_the_steps(tmp_path: Path) -> None:
    outcomes = run([Step("one", (PASSES, PASSES)), Step("two", (PASSES,))], dict(os.environ), tmp_path)
    assert summary(outcomes, chosen=2, seconds=1.0).splitlines()[-1] == "2 passed, 0 failed"


def test_a_step_sees_the_given_environment(tmp_path: Path) -> None:
    asks = (sys.executable, "-c", "import os; raise SystemExit(os.environ['HOMELAB_PROBE'] != 'seen')")
    assert run([Step("asks", (asks,))], {**os.environ, "HOMELAB_PROBE": "seen"}, tmp_path)[0].passed
    assert not run([Step("asks", (asks,))], {**os.environ, "HOMELAB_PROBE": "other"}, tmp_path)[0].passed
