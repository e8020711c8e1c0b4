# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of site.yml that changes nothing costs: on the lab, and on larger ones built for it."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from lab import build
from lab.command import ROOT
from lab.console import say, step
from lab.engine import Engine
from lab.errors import LabError
from lab.lock import only_one
from lab.machines import remove_lab
from lab.measure import Cost, count_executions, measure
from lab.runs import read_recap, table
from lab.site import Site, load_site

TARGET_EXECUTIONS = 40
# How much more each further host may cost among many than among few before growth is called worse than linear;
# what is left below it is the noise of a busy machine.
LINEAR = 1.25
PING = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.ping:\n"
HEADER = ("HOSTS", "WALL S", "PER PING PLAY", "TASKS/WORKER", "EXECUTIONS/WORKER", "EXECUTIONS/HOST", "CPU S",
          "PEAK MIB")  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """What the bench prints for one number of hosts."""

    hosts: int
    ping: Cost
    run: Cost
    tasks: int
    worker: int
    executions: Counter[str]


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of the command bench."""
    command.add_argument("--hosts", type=int, nargs="*", default=[], help="also measure labs of so many hosts")
    command.add_argument(
        "--large", type=Path, default=ROOT / "inventory" / "bench", help="inventory the larger labs are taken from"
    )
    command.add_argument("--keep", action="store_true", help="leave the largest lab up")


def main(engine: Engine, site: Site, options: argparse.Namespace) -> None:
    """Measure, and print the figures and whether they meet the targets."""
    large = load_site(options.large) if options.hosts else None
    parts = [part(large, count) for count in sorted(options.hosts)] if large else []
    with only_one(site):
        results = [bench(site)]
    if large is not None:
        with only_one(large, remove=not options.keep):
            try:
                results += measure_large(engine, parts)
            finally:
                if not options.keep:
                    remove_lab(engine, large)
    say("")
    say(table(HEADER, [cells(item) for item in results]))
    for line in verdicts(results):
        say(line)


def part(site: Site, count: int) -> Site:
    """The first machines of a lab, servers before others."""
    machines = sorted(site.machines, key=lambda machine: "k3s_server" not in machine.groups)
    if not 2 <= count <= len(machines):
        raise LabError(
            f"{site.inventory} has {len(machines)} machines, so {count} cannot be measured; ask for 2 to "
            f"{len(machines)}, or name more clones in its machines.yml"
        )
    return replace(site, machines=tuple(machines[:count]))


def measure_large(engine: Engine, parts: Sequence[Site]) -> list[Figures]:
    """Build the largest once, and measure it and its parts."""
    build.machines(engine, parts[-1])
    with step(f"{len(parts[-1].machines)} hosts: first build"):
        measure(playbook(parts[-1], "site.yml"))
    return [bench(item) for item in parts]


def playbook(site: Site, *arguments: str) -> list[str]:
    """The command that runs a playbook on exactly these machines."""
    names = ",".join(machine.name for machine in site.machines)
    return ["ansible-playbook", "-i", str(site.inventory), "--limit", names, *arguments]


def bench(site: Site) -> Figures:
    """Measure the ping play and a no-op site.yml on one lab; time is taken without -vvv."""
    count = len(site.machines)
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as ping:
        ping.write(PING)
        ping.flush()
        with step(f"{count} hosts: one ping play"):
            pinged = measure(playbook(site, ping.name))
    with step(f"{count} hosts: site.yml, counted"):
        counted = measure(playbook(site, "site.yml", "-vvv"))
    with step(f"{count} hosts: site.yml, timed"):
        run = measure(playbook(site, "site.yml"))
    recap = read_recap(run.output.splitlines())
    if any(recap.changed.values()):
        raise LabError(f"site.yml changed something, so this is no measure of a no-op: {'; '.join(recap.changes)}")
    executions = count_executions(counted.output)
    workers = [machine for machine in site.machines if "k3s_agent" in machine.groups]
    if not workers:
        raise LabError(f"{site.inventory} has no worker (group k3s_agent) to measure")
    return Figures(
        count, pinged, run, max(recap.tasks[worker.name] for worker in workers),
        max(executions[worker.address] for worker in workers), executions,
    )  # fmt: skip


def cells(item: Figures) -> tuple[str, ...]:
    """One row of the table."""
    return (
        str(item.hosts),
        f"{item.run.wall:.1f}",
        f"{item.run.wall / item.ping.wall:.1f}",
        str(item.tasks),
        str(item.worker),
        f"{item.executions.total() / item.hosts:.1f}",
        f"{item.run.cpu:.1f}",
        f"{item.run.peak_mib:.0f}",
    )


def verdicts(results: Sequence[Figures]) -> list[str]:
    """The targets, each with what was seen."""
    worst = max(item.worker for item in results)
    lines = [
        f"{'pass' if worst <= TARGET_EXECUTIONS else 'FAIL'}: at most {TARGET_EXECUTIONS} remote executions on a "
        f"worker; the most was {worst}"
    ]
    slopes = [
        (small.hosts, big.hosts, (big.run.wall - small.run.wall) / (big.hosts - small.hosts))
        for small, big in pairwise(results)
        if big.hosts > small.hosts
    ]
    lines += [f"from {few} to {many} hosts each further one costs {slope:.2f} s" for few, many, slope in slopes]
    if len(slopes) > 1:
        linear = slopes[-1][2] <= LINEAR * slopes[0][2]
        lines.append("pass: growth is linear in hosts, or better" if linear else "FAIL: growth is worse than linear")
    return lines
