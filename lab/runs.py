# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of site.yml, streamed to the terminal and read as they pass."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.console import say
from lab.errors import LabError
from lab.site import ROOT, Site

_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")
_TASK = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(.*)\] \**$")
_CHANGED = re.compile(r"^changed: \[([^\]]+)\]")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Recap:
    """What a run did, by host."""

    changed: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)


def read_recap(lines: Iterable[str]) -> Recap:
    """Read the default callback's output."""
    recap, task = Recap(), ""
    for line in (_COLOR.sub("", line.rstrip()) for line in lines):
        if match := _TASK.match(line):
            task = match.group(1)
        elif match := _CHANGED.match(line):
            recap.changes.append(f"{match.group(1)}: {task}")
        elif match := _RECAP.match(line):
            recap.changed[match.group(1)] = int(match.group(3))
            recap.failed[match.group(1)] = int(match.group(4)) + int(match.group(5))
    return recap


def environment() -> dict[str, str]:
    """Ansible's environment: this interpreter's tools first, output as it comes."""
    programs = f"{Path(sys.executable).parent}:{ROOT / '.lab' / 'bin'}:{os.environ['PATH']}"
    return os.environ | {"PATH": programs, "PYTHONUNBUFFERED": "1", "ANSIBLE_STDOUT_CALLBACK": "default"}


def play(site: Site, *arguments: str, playbook: str = "site.yml") -> Recap:
    """Run a playbook on the lab, streaming its output; raise LabError when it fails."""
    argv = ["ansible-playbook", "-i", str(site.inventory), playbook, *arguments]
    say(f"lab: {' '.join(argv)}")
    lines: list[str] = []
    process = subprocess.Popen(
        argv, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in process.stdout or ():
        print(line, end="", flush=True)
        lines.append(line)
    status = process.wait()
    recap = read_recap(lines)
    if status != 0:
        failed = ", ".join(sorted(host for host, count in recap.failed.items() if count)) or "no host"
        raise LabError(
            f"ansible-playbook {playbook} ended with status {status} (failed: {failed}); the reason stands above"
        )
    if not recap.changed:
        raise LabError(f"ansible-playbook {playbook} reached no host; is the inventory empty?")
    return recap


def assert_unchanged(recap: Recap) -> None:
    """A second run has to change nothing."""
    if any(recap.changed.values()):
        raise LabError("the second run changed something, expected nothing:\n  " + "\n  ".join(recap.changes))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows])
    return "\n".join(line.rstrip() for line in lines)
