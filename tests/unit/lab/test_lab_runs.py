# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a run's output, the bench's counting, and the report's cells."""

from __future__ import annotations

import pytest

from lab.bench import count_executions
from lab.errors import LabError
from lab.report import node_cells
from lab.runs import assert_unchanged, read_recap, table

OUTPUT = """
TASK [fletcherlabs.homelab.node_base : configure | Write the files] ************
\x1b[0;33mchanged: [k3s1]\x1b[0m
ok: [k3s2]

RUNNING HANDLER [fletcherlabs.homelab.node_base : Restart the journal] *********
changed: [k3s1]

PLAY RECAP *********************************************************************
k3s1                       : ok=9    changed=2    unreachable=0    failed=0    skipped=3    rescued=0    ignored=0
k3s2                       : ok=9    changed=0    unreachable=1    failed=0    skipped=3    rescued=0    ignored=0
"""


def test_recap_counts_by_host_and_names_the_tasks() -> None:
    recap = read_recap(OUTPUT.splitlines())
    assert recap.changed == {"k3s1": 2, "k3s2": 0}
    assert recap.failed == {"k3s1": 0, "k3s2": 1}
    assert recap.changes == [
        "k3s1: fletcherlabs.homelab.node_base : configure | Write the files",
        "k3s1: fletcherlabs.homelab.node_base : Restart the journal",
    ]


def test_a_second_run_that_changes_something_is_an_error_that_names_it() -> None:
    with pytest.raises(LabError, match=r"k3s1: fletcherlabs\.homelab\.node_base : configure \| Write the files"):
        assert_unchanged(read_recap(OUTPUT.splitlines()))


def test_a_second_run_without_changes_passes() -> None:
    assert_unchanged(read_recap(["k3s1 : ok=9 changed=0 unreachable=0 failed=0"]))


def test_executions_are_commands_and_files_sent_by_address() -> None:
    output = (
        "<198.18.10.21> SSH: EXEC ssh -C host\n<198.18.10.21> ESTABLISH SSH CONNECTION FOR USER: josh\n"
        "<198.18.10.21> SSH: PUT sftp\n<198.18.10.23> SSH: EXEC ssh\n<localhost> EXEC /bin/sh\n"
    )
    assert count_executions(output) == {"198.18.10.21": 2, "198.18.10.23": 1}


def test_table_aligns_columns() -> None:
    assert table(("A", "LONGER"), [("wide cell", "x")]) == "A          LONGER\nwide cell  x"


def test_node_cells_of_members_and_others() -> None:
    node = {
        "metadata": {"labels": {"workload": "light", "kubernetes.io/os": "linux"}},
        "spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1.32.5+k3s1"}},
    }
    assert node_cells(node, member=True) == ("Ready", "v1.32.5+k3s1", "gpu:NoSchedule", "workload=light")
    assert node_cells(None, member=True)[0] == "missing"
    assert node_cells(None, member=False)[0] == "-"
