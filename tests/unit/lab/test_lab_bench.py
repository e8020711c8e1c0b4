# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench's counting and its verdicts."""

from __future__ import annotations

import ipaddress
import sys
from collections import Counter
from pathlib import Path

import pytest

from lab.bench import HEADER, Figures, cells, part, verdicts
from lab.errors import LabError
from lab.measure import Cost, count_executions, measure, memory_kib
from lab.site import Machine, Site


def figures(hosts: int, wall: float, worker: int = 12) -> Figures:
    executions = Counter({f"198.18.64.{number}": worker for number in range(hosts)})
    return Figures(hosts, Cost(2.0, 1.0, 50.0, ""), Cost(wall, 9.0, 120.0, ""), 20, worker, executions)


def test_executions_are_commands_and_files_sent_by_address() -> None:
    output = (
        "<198.18.10.21> SSH: EXEC ssh -C host\n<198.18.10.21> ESTABLISH SSH CONNECTION FOR USER: josh\n"
        "<198.18.10.21> SSH: PUT sftp\n<198.18.10.23> SSH: EXEC ssh\n<localhost> EXEC /bin/sh\n"
    )
    assert count_executions(output) == {"198.18.10.21": 2, "198.18.10.23": 1}


def test_measure_counts_processor_time_and_memory_of_descendants(tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text("import time\nblock = b'x' * 2**26\nwhile time.process_time() < 0.5:\n    pass\n")
    cost = measure(["sh", "-c", f"{sys.executable} {worker}; true"])
    assert cost.cpu >= 0.3
    assert cost.wall >= 0.3
    assert cost.peak_mib >= 64


def test_measure_refuses_the_cost_of_a_failure() -> None:
    with pytest.raises(LabError, match="ended with status 3: no way"):
        measure([sys.executable, "-c", "print('no way'); raise SystemExit(3)"])


def test_memory_is_that_of_the_tree_with_shared_pages_counted_once(tmp_path: Path) -> None:
    for process, parent, kib in ((10, 1, 100), (11, 10, 20), (12, 11, 3), (20, 1, 5000)):
        folder = tmp_path / str(process)
        folder.mkdir()
        (folder / "stat").write_text(f"{process} (a (strange) name) S {parent} {process} {process} 0\n")
        (folder / "smaps_rollup").write_text(f"Rss:  99999 kB\nPss:  {kib} kB\nPss_Dirty:  7 kB\n")
    (tmp_path / "meminfo").touch()
    assert memory_kib(10, tmp_path) == 123


def test_a_row_has_a_cell_for_each_column() -> None:
    row = cells(figures(5, 8.0))
    assert len(row) == len(HEADER)
    assert row == ("5", "8.0", "4.0", "20", "12", "12.0", "9.0", "120")


def test_growth_in_step_with_hosts_passes() -> None:
    lines = verdicts([figures(5, 10.0), figures(25, 30.0), figures(50, 55.0)])
    assert lines == [
        "pass: at most 40 remote executions on a worker; the most was 12",
        "from 5 to 25 hosts each further one costs 1.00 s",
        "from 25 to 50 hosts each further one costs 1.00 s",
        "pass: growth is linear in hosts, or better",
    ]


def test_growth_with_the_square_of_hosts_fails() -> None:
    walls = {hosts: 5 + hosts**2 / 50 for hosts in (5, 25, 50)}
    assert verdicts([figures(*item) for item in walls.items()])[-1] == "FAIL: growth is worse than linear"


def test_too_many_executions_fail() -> None:
    assert verdicts([figures(5, 10.0, worker=41)]) == [
        "FAIL: at most 40 remote executions on a worker; the most was 41"
    ]


def test_a_part_of_a_lab_keeps_its_server() -> None:
    machines = tuple(Machine(f"k3s{n}", f"198.18.64.{n}", ("k3s_agent",)) for n in range(1, 9))
    server = Machine("master", "198.18.64.30", ("k3s_server",))
    large = Site(
        "bench", ipaddress.IPv4Network("198.18.64.0/24"), Path("inventory/bench"), "josh", "v1", (*machines, server)
    )
    assert [machine.name for machine in part(large, 3).machines] == ["master", "k3s1", "k3s2"]
    with pytest.raises(LabError, match="inventory/bench has 9 machines, so 10 cannot be measured"):
        part(large, 10)
