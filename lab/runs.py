# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of site.yml, streamed to the terminal and read as they pass."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lab.command import ROOT, environment
from lab.console import say
from lab.errors import LabError
from lab.site import Site

_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)(?:\s+skipped=(\d+))?")
_TASK = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(.*)\] \**$")
_CHANGED = re.compile(r"^changed: \[([^\]]+)\]")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Recap:
    """What a run did, by host."""

    changed: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)
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
            recap.tasks[match.group(1)] = int(match.group(2)) + int(match.group(6) or 0)
    return recap


def plain_output() -> dict[str, str]:
    """The environment in which Ansible prints what read_recap reads, at once, and in colour for a terminal."""
    color = {"ANSIBLE_FORCE_COLOR": "1"} if sys.stdout.isatty() else {}
    settings = {
        "PYTHONUNBUFFERED": "1",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_DISPLAY_FAILED_STDERR": "0",
        "ANSIBLE_CHECK_MODE_MARKERS": "0",
    }
    return environment() | settings | color


def play(site: Site, *arguments: str, playbook: str = "site.yml") -> Recap:
    """Run a playbook on the lab, streaming its output; raise LabError when it fails."""
    argv = ["ansible-playbook", "-i", str(site.inventory), playbook, *arguments]
    say(f"lab: {' '.join(argv)}")
    lines: list[str] = []
    process = subprocess.Popen(
        argv, cwd=ROOT, env=plain_output(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        close_fds=False,  # the lab's lock, and nothing else, is inheritable
    )  # fmt: skip
    try:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
        status = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    recap = read_recap(lines)
    if status != 0:
        failed = ", ".join(sorted(host for host, count in recap.failed.items() if count)) or "no host"
        raise LabError(
            f"ansible-playbook {playbook} ended with status {status} (failed: {failed}); the reason stands above"
        )
    if not recap.changed:
        raise LabError(f"ansible-playbook {playbook} reached no host; is the inventory empty?")
    return recap


def assert_unchanged(site: Site, recap: Recap) -> None:
    """A second run has to reach every machine and to change nothing."""
    unseen = [machine.name for machine in site.machines if machine.name not in recap.changed]
    if unseen:
        raise LabError(f"the second run did not reach {', '.join(unseen)}; expected every machine in its recap")
    if any(recap.changed.values()):
        hosts = ", ".join(f"{host}={count}" for host, count in sorted(recap.changed.items()) if count)
        raise LabError(
            f"the second run changed something ({hosts}), expected nothing:\n  " + "\n  ".join(recap.changes)
        )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows])
    return "\n".join(line.rstrip() for line in lines)
