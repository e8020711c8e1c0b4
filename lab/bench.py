# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run that changes nothing costs.

A remote execution is one line "SSH: EXEC" or "SSH: PUT" of a run with -vvv: one command or one file sent to a host.
Processor time is that of the controller's processes and their children, as the kernel counts them; memory is the
largest sum of resident sizes over the processes of the run, sampled five times a second. Time is measured without -vvv.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.console import say, step
from lab.errors import LabError
from lab.runs import environment, read_recap, table
from lab.site import ROOT, Site

TARGET_EXECUTIONS = 40
SAMPLE_SECONDS = 0.2
PING = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.ping:\n"
_EXECUTION = re.compile(r"^<([^>]+)> SSH: (?:EXEC|PUT)\b", re.MULTILINE)
_TASK = re.compile(r"^TASK \[", re.MULTILINE)


@dataclass(frozen=True)
class Cost:
    """One run's price."""

    wall: float
    cpu: float
    peak_mib: float
    output: str


@dataclass(frozen=True)
class Figures:
    """What the bench prints for one lab."""

    hosts: int
    worker: str
    ping: Cost
    run: Cost
    tasks: int
    executions: Counter[str]

    def of(self, address: str) -> int:
        """Remote executions on one machine."""
        return self.executions[address]


def measure(argv: list[str]) -> Cost:
    """Run a command that has to succeed, and say what it cost."""
    before, started, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), 0
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            argv, cwd=ROOT, env=environment(), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            time.sleep(SAMPLE_SECONDS)
        wall = time.monotonic() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        output.seek(0)
        text = output.read()
    if process.returncode != 0:
        raise LabError(f"'{' '.join(argv)}' ended with status {process.returncode}: {text.strip().splitlines()[-1]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, peak / 2**20, text)


def resident(session: int) -> int:
    """Bytes of memory that the processes of a session hold."""
    page, total = os.sysconf("SC_PAGE_SIZE"), 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                total += int(fields[21]) * page
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def count_executions(output: str) -> Counter[str]:
    """Remote executions by address in the output of a run with -vvv."""
    return Counter(_EXECUTION.findall(output))


def bench(site: Site) -> Figures:
    """Measure the ping play and a no-op site.yml on one lab."""
    base = ["ansible-playbook", "-i", str(site.inventory)]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as ping:
        ping.write(PING)
        ping.flush()
        with step(f"{len(site.machines)} hosts: one ping play"):
            pinged = measure([*base, ping.name])
    with step(f"{len(site.machines)} hosts: site.yml, counted"):
        counted = measure([*base, "site.yml", "-vvv"])
    with step(f"{len(site.machines)} hosts: site.yml, timed"):
        run = measure([*base, "site.yml"])
    changed = read_recap(run.output.splitlines())
    if any(changed.changed.values()):
        raise LabError(f"site.yml changed something, so this is no measure of a no-op: {'; '.join(changed.changes)}")
    worker = next(machine for machine in site.machines if "k3s_agent" in machine.groups)
    executions = count_executions(counted.output)
    return Figures(len(site.machines), worker.address, pinged, run, len(_TASK.findall(run.output)), executions)


def render(figures: Iterable[Figures]) -> str:
    """The figures side by side."""
    rows = [
        (
            str(item.hosts),
            f"{item.run.wall:.1f}",
            f"{item.run.wall / item.ping.wall:.1f}",
            str(item.tasks),
            str(item.of(item.worker)),
            f"{item.executions.total() / item.hosts:.1f}",
            f"{item.run.cpu:.1f}",
            f"{item.run.peak_mib:.0f}",
        )
        for item in figures
    ]
    header = ("HOSTS", "WALL S", "PER PING PLAY", "TASKS", "EXECUTIONS/WORKER", "EXECUTIONS/HOST", "CPU S", "PEAK MIB")
    return table(header, rows)


def main(site: Site, large: Site | None) -> None:
    """Print the figures, and whether they meet the target."""
    results = [bench(site)]
    if large is not None:
        results.append(bench(large))
    say("")
    say(render(results))
    worst = max(item.of(item.worker) for item in results)
    verdict = "met" if worst <= TARGET_EXECUTIONS else "MISSED"
    say(f"target: at most {TARGET_EXECUTIONS} remote executions per worker: {verdict} ({worst})")
    if large is not None:
        small, big = results
        growth = (big.run.wall / big.hosts) / (small.run.wall / small.hosts)
        grade = "linear or better" if growth <= 1.1 else "WORSE THAN LINEAR"
        say(f"growth: {growth:.2f} times the seconds per host at {big.hosts} hosts: {grade}")
