# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a run's output, and the report's cells."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.command import Answer
from lab.errors import LabError
from lab.report import node_cells, nodes
from lab.runs import assert_unchanged, read_recap, table
from lab.site import Machine, Site

SITE = Site(
    "twin", ipaddress.IPv4Network("198.18.10.0/24"), Path("inventory/lab"), "josh", "v1.32.5+k3s1",
    (Machine("k3s1", "198.18.10.21", ("k3s_agent",)), Machine("k3s2", "198.18.10.23", ("k3s_agent",))),
)  # fmt: skip
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
    assert recap.tasks == {"k3s1": 12, "k3s2": 12}
    assert recap.changes == [
        "k3s1: fletcherlabs.homelab.node_base : configure | Write the files",
        "k3s1: fletcherlabs.homelab.node_base : Restart the journal",
    ]


def test_a_second_run_that_changes_something_is_an_error_that_names_it() -> None:
    with pytest.raises(LabError, match=r"k3s1: fletcherlabs\.homelab\.node_base : configure \| Write the files"):
        assert_unchanged(SITE, read_recap(OUTPUT.splitlines()))


def test_a_second_run_without_changes_passes() -> None:
    lines = ["k3s1 : ok=9 changed=0 unreachable=0 failed=0", "k3s2 : ok=9 changed=0 unreachable=0 failed=0"]
    assert_unchanged(SITE, read_recap(lines))


def test_a_second_run_that_misses_a_machine_is_an_error() -> None:
    with pytest.raises(LabError, match="the second run did not reach k3s2; expected every machine"):
        assert_unchanged(SITE, read_recap(["k3s1 : ok=9 changed=0 unreachable=0 failed=0"]))


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


def test_nodes_says_why_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.site.ROOT", tmp_path)

    def refuse(argv: Sequence[str], stdin: str) -> Answer:
        return Answer(1, "", "E1123 retrying\nThe connection to the server 198.18.10.30:6443 was refused\n")

    assert nodes(SITE, refuse) == ({}, "no cluster yet: site.yml has fetched no kubeconfig")
    SITE.state.mkdir(parents=True)
    (SITE.state / "kubeconfig").touch()
    found, complaint = nodes(SITE, refuse)
    assert (found, complaint) == (
        {},
        "the cluster does not answer: The connection to the server 198.18.10.30:6443 was refused",
    )


def test_nodes_are_read_from_kubectl_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.site.ROOT", tmp_path)
    SITE.state.mkdir(parents=True)
    (SITE.state / "kubeconfig").touch()
    answer = json.dumps({"items": [{"metadata": {"name": "k3s1"}}]})
    assert nodes(SITE, lambda argv, stdin: Answer(0, answer, "")) == ({"k3s1": {"metadata": {"name": "k3s1"}}}, "")
