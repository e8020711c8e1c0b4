# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: run commands through one callable, so that other code can be tested without a machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# argument list -> (exit status, standard output, standard error)
CommandRunner = Callable[[Sequence[str]], "tuple[int, str, str]"]


@dataclass
class CommandError(Exception):
    """A command that is there and failed; carries its evidence."""

    argv: Sequence[str]
    status: int
    stderr: str

    def __str__(self) -> str:
        last = self.stderr.strip().splitlines()[-1] if self.stderr.strip() else "it printed nothing"
        return f"'{' '.join(self.argv)}' ended with status {self.status}: {last}"


def check_output(run: CommandRunner, argv: Sequence[str]) -> str:
    """Run argv and return its standard output; raise CommandError on any status but 0."""
    status, stdout, stderr = run(argv)
    if status != 0:
        raise CommandError(argv, status, stderr)
    return stdout


def run_program(argv: Sequence[str]) -> tuple[int, str, str]:
    """Run a program to its end: fixed locale; status 127, as in shells, for one that is not installed.

    Not AnsibleModule.run_command: that stops reading when a program is silent for a second and ends right after, and so
    loses what it printed. A look for signatures that lost its output would say that a disk is blank.
    """
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(list(argv), capture_output=True, check=False, stdin=subprocess.DEVNULL, env=environment)
    except OSError as error:
        return 127, "", f"{argv[0]}: {error.strerror}"
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
