# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run commands through one callable, so that everything above can be tested without an engine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.errors import LabError


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


# argument list, standard input -> answer
Runner = Callable[[Sequence[str], str], Answer]


def run(argv: Sequence[str], stdin: str = "") -> Answer:
    """Run a command to its end."""
    done = subprocess.run(list(argv), input=stdin, capture_output=True, text=True, check=False)
    return Answer(done.returncode, done.stdout, done.stderr)


def must(runner: Runner, argv: Sequence[str], stdin: str = "") -> str:
    """Standard output of a command that has to succeed; raise LabError with its last line of complaint."""
    answer = runner(argv, stdin)
    if answer.status != 0:
        complaint = (answer.stderr.strip() or answer.stdout.strip() or "it printed nothing").splitlines()[-1]
        raise LabError(f"'{' '.join(argv[:6])}' ended with status {answer.status}: {complaint}")
    return answer.stdout
