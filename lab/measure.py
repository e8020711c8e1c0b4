# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one command costs on this machine, and how often a run of Ansible goes to its hosts.

A remote execution is one line "SSH: EXEC" or "SSH: PUT" of a run with -vvv: one command or one file sent to a host.
Processor time is that of the command and all its descendants that ended, as the kernel counts them. Memory is the
largest sum over its processes, pages they share counted once, looked at five times a second.
"""

from __future__ import annotations

import re
import resource
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.command import ROOT
from lab.errors import LabError
from lab.runs import plain_output

SAMPLE_SECONDS = 0.2
_EXECUTION = re.compile(r"^<([^>]+)> SSH: (?:EXEC|PUT)\b", re.MULTILINE)
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True)
class Cost:
    """One command's price."""

    wall: float
    cpu: float
    peak_mib: float
    output: str


def measure(argv: Sequence[str]) -> Cost:
    """Run a command that has to succeed, and say what it cost."""
    before, started, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), 0
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            argv, cwd=ROOT, env=plain_output(), stdout=output, stderr=subprocess.STDOUT, close_fds=False
        )
        while process.poll() is None:
            peak = max(peak, memory_kib(process.pid))
            time.sleep(SAMPLE_SECONDS)
        wall = time.monotonic() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        output.seek(0)
        text = output.read()
    if process.returncode != 0:
        last = (text.strip() or "it printed nothing").splitlines()[-1]
        raise LabError(f"'{' '.join(argv[:4])}' ended with status {process.returncode}: {last}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, peak / 1024, text)


def memory_kib(root: int, proc: Path = Path("/proc")) -> int:
    """Memory of a process and its descendants; Ansible's workers have sessions of their own, but keep their parent."""
    parents = {}
    for entry in proc.iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    family, size = {root}, 0
    while len(family) != size:
        size = len(family)
        family |= {child for child, parent in parents.items() if parent in family}
    return sum(_proportional(proc / str(member)) for member in family)


def _proportional(process: Path) -> int:
    try:
        match = _PSS.search((process / "smaps_rollup").read_text())
    except OSError:
        return 0
    return int(match.group(1)) if match else 0


def count_executions(output: str) -> Counter[str]:
    """Remote executions by address in the output of a run with -vvv."""
    return Counter(_EXECUTION.findall(output))
