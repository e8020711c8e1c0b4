# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the steps of `make test` until one fails, and say how long each took."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from tests.run.steps import ROOT, Step, all_steps, choose

# Machines of the smallest kind have two cores, and a scenario waits half of its time.
AT_A_TIME = 3
# Lines of Ansible and pytest that say why; a scenario's own last lines only say that it failed.
REASON = re.compile(r"^\W*(E\s{2,}|fatal:|failed:|\[ERROR\]|ERROR|CRITICAL|lab:|FAILED\s)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
REASONS = 25


@dataclass(frozen=True)
class Outcome:
    """One step that ran."""

    name: str
    passed: bool
    seconds: float
    # lines of its output that say why it failed
    reasons: tuple[str, ...] = ()


def run(steps: Sequence[Step], environment: dict[str, str], root: Path = ROOT) -> list[Outcome]:
    """Run the steps without a lane one after another, then the others some at a time; start none after a failure."""
    outcomes: list[Outcome] = []
    for step in steps:
        if not step.lane and all(outcome.passed for outcome in outcomes):
            print(f"\n==> {step.name}", flush=True)
            outcomes.append(_run_one(step, environment, root, None))
    if all(outcome.passed for outcome in outcomes):
        outcomes += _run_lanes([step for step in steps if step.lane], environment, root)
    return outcomes


def _run_lanes(steps: Sequence[Step], environment: dict[str, str], root: Path) -> list[Outcome]:
    """Some at a time, no two of one lane; what a step says is shown when it has ended."""
    waiting, busy, outcomes = list(steps), set[str](), list[Outcome]()
    changed = threading.Condition()

    def work() -> None:
        while step := _next(changed, waiting, busy, outcomes):
            print(f"==> {step.name}", flush=True)
            outcome, said = Outcome(step.name, False, 0.0), ""
            try:
                with tempfile.TemporaryFile("w+", errors="replace") as output:
                    outcome = _run_one(step, environment, root, output)
                    output.seek(0)
                    said = output.read()
            finally:
                # also where a step could not even begin: the others wait for word of it
                with changed:
                    outcomes.append(outcome if outcome.passed else replace(outcome, reasons=reasons(said)))
                    busy.discard(step.lane)
                    changed.notify_all()
                    print(f"\n==> what {step.name} said\n{said}", flush=True)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for done in [pool.submit(work) for _ in range(AT_A_TIME)]:
            done.result()
    return outcomes


def _next(changed: threading.Condition, waiting: list[Step], busy: set[str], outcomes: list[Outcome]) -> Step | None:
    """The first step whose lane is free, once there is one; none where a step has failed or all have begun."""
    with changed:
        while waiting and all(outcome.passed for outcome in outcomes):
            step = next((step for step in waiting if step.lane not in busy), None)
            if step:
                waiting.remove(step)
                busy.add(step.lane)
                return step
            changed.wait()
        return None


def _run_one(step: Step, environment: dict[str, str], root: Path, output: IO[str] | None) -> Outcome:
    started = time.monotonic()
    passed = all(
        subprocess.run(argv, cwd=root, env=environment, stdout=output, stderr=output and subprocess.STDOUT).returncode
        == 0
        for argv in step.commands
    )
    outcome = Outcome(step.name, passed, time.monotonic() - started)
    print(f"<== {step.name} {'passed' if passed else 'FAILED'}, {outcome.seconds:.0f} s", flush=True)
    return outcome


def reasons(said: str) -> tuple[str, ...]:
    """The lines that say why a step failed, for whoever sees only the end of a long output."""
    lines = (COLOUR.sub("", line).strip() for line in said.splitlines())
    return tuple(line for line in lines if REASON.search(line))[-REASONS:]


def summary(outcomes: Sequence[Outcome], chosen: int, seconds: float) -> str:
    """A table of seconds; the last line stands alone for CI to read."""
    lines = [f"{outcome.seconds:7.1f} s  {outcome.name}{'' if outcome.passed else '  FAILED'}" for outcome in outcomes]
    lines.append(f"{seconds:7.1f} s  in all")
    lines += [f"{outcome.name}: {reason}" for outcome in outcomes for reason in outcome.reasons]
    if chosen > len(outcomes):
        lines.append(f"stopped at the first failure: {chosen - len(outcomes)} steps did not run")
    failed = sum(not outcome.passed for outcome in outcomes)
    return "\n".join([*lines, f"{len(outcomes) - failed} passed, {failed} failed"])


def tool_environment() -> dict[str, str]:
    """The pinned tools first on PATH (they call each other by name), our ansible.cfg wherever the checkout lies."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}


def main(wanted: Sequence[str]) -> int:
    """Exit status 0 when every chosen step passed, 2 when a name is unknown."""
    try:
        steps = choose(all_steps(), wanted)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    started = time.monotonic()
    outcomes = run(steps, tool_environment())
    print("\n" + summary(outcomes, len(steps), time.monotonic() - started))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
