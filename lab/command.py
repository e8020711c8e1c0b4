# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run commands through one callable, so that everything above can be tested without an engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


# argument list, standard input -> answer
Runner = Callable[[Sequence[str], str], Answer]


def run(argv: Sequence[str], stdin: str = "") -> Answer:
    """Run a command to its end; one that is not installed ends with status 127, as in a shell."""
    try:
        done = subprocess.run(
            list(argv), input=stdin, capture_output=True, text=True, check=False, cwd=ROOT, env=environment()
        )
    except FileNotFoundError:
        return Answer(127, "", f"{argv[0]} is not installed")
    return Answer(done.returncode, done.stdout, done.stderr)


def environment() -> dict[str, str]:
    """The environment of every command: this interpreter's tools and the lab's first, this checkout's settings."""
    programs = f"{Path(sys.executable).parent}:{ROOT / '.lab' / 'bin'}:{os.environ.get('PATH', os.defpath)}"
    return os.environ | {"PATH": programs, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}


def must(runner: Runner, argv: Sequence[str], stdin: str = "") -> str:
    """Standard output of a command that has to succeed; raise LabError with its last line of complaint."""
    answer = runner(argv, stdin)
    if answer.status != 0:
        complaint = (answer.stderr.strip() or answer.stdout.strip() or "it printed nothing").splitlines()[-1]
        raise LabError(f"'{' '.join(argv[:6])}' ended with status {answer.status}: {complaint}")
    return answer.stdout
