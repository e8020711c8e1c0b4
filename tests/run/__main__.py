# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the steps of `make test` until one fails, and say how long each took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.run.steps import ROOT, Step, all_steps, choose


@dataclass(frozen=True)
class Outcome:
    """One step that ran."""

    name: str
    passed: bool
    seconds: float


def run(steps: Sequence[Step], environment: dict[str, str], root: Path = ROOT) -> list[Outcome]:
    """Run one step after another; the first failure is the last outcome."""
    outcomes: list[Outcome] = []
    for number, step in enumerate(steps, start=1):
        print(f"\n==> {number}/{len(steps)} {step.name}", flush=True)
        started = time.monotonic()
        passed = all(subprocess.run(argv, cwd=root, env=environment).returncode == 0 for argv in step.commands)
        outcomes.append(Outcome(step.name, passed, time.monotonic() - started))
        print(f"<== {step.name} {'passed' if passed else 'FAILED'}, {outcomes[-1].seconds:.0f} s", flush=True)
        if not passed:
            break
    return outcomes


def summary(outcomes: Sequence[Outcome], chosen: int) -> str:
    """A table of seconds; the last line stands alone for CI to read."""
    lines = [f"{outcome.seconds:7.1f} s  {outcome.name}{'' if outcome.passed else '  FAILED'}" for outcome in outcomes]
    lines.append(f"{sum(outcome.seconds for outcome in outcomes):7.1f} s  in all")
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
    outcomes = run(steps, tool_environment())
    print("\n" + summary(outcomes, len(steps)))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
