# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""preflight.yml as a user runs it, on broken copies of inventory/home whose machines do not exist."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks.home import TOKENS, play


def edit(file: Path, *changes: tuple[str, str]) -> None:
    """Replace texts in a file; each has to be there."""
    text = file.read_text()
    for before, after in changes:
        assert before in text, (file, before)
        text = text.replace(before, after)
    file.write_text(text)


def run(site: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and output of preflight.yml."""
    return play(site, "playbooks/preflight.yml", *arguments)


def break_everything(site: Path) -> None:
    hosts = site / "host_vars"
    edit(hosts / "k3s1.yml", ("tiers: [general]", "tiers: [generl]"), ("192.0.2.21", "192.0.2.31"))
    edit(hosts / "k3s2.yml", ("8c:ae:4c:dd:5d:ef", "6C-1F-F7-1B-E8-C8"), ("[k3s_agent]", "[k3s_agents]"))
    edit(hosts / "k3s3.yml", ("node-type: gpu", "node-role.kubernetes.io/gpu: x"))
    second = yaml.safe_load((hosts / "k3s-master1.yml").read_text())
    second["homelab_machine"]["address"] = "192.0.2.32"
    second["homelab_node"]["name"] = "k3s-master1"
    (hosts / "k3s-master2.yml").write_text(yaml.safe_dump(second))
    edit(site / "group_vars/all/secrets.yml", ("homelab_k3s_agent_token: e8a", "other_token: e8a"))


EXPECTED = (
    "k3s2: homelab_groups[0]: 'k3s_agents' is not known (did you mean k3s_agent?)",
    "k3s2: homelab_node is there, but homelab_groups names no group of the cluster",
    "k3s-master1 and k3s-master2 have one node name, 'k3s-master1'",
    "k3s1 and k3s3 have one address, 192.0.2.31",
    "k3s1 and k3s2 have one MAC address, 6c:1f:f7:1b:e8:c8",
    "k3s1: homelab_node.tiers: 'generl' is not a tier (did you mean general?)",
    "k3s3: homelab_node.labels: 'node-role.kubernetes.io/gpu' is a label that a node may not set on itself",
    "homelab_k3s_agent_token is missing",
)


@pytest.mark.parametrize("limit", [(), ("--limit", "r730")], ids=["all", "limited"])
def test_all_errors_of_the_whole_inventory_come_at_once_before_any_contact(site: Path, limit: tuple[str, ...]) -> None:
    break_everything(site)
    status, output = run(site, *limit)
    assert status != 0
    assert f"the inventory has {len(EXPECTED)} problems:" in output
    assert [sentence for sentence in EXPECTED if f"- {sentence}" not in output] == []
    assert "the group k3s_server has 2 machines: etcd stops when either is lost; add a third one" in " ".join(
        output.split()
    )
    assert "UNREACHABLE" not in output
    assert not any(token in output for token in TOKENS.values())


def test_a_run_of_one_layer_checks_the_inventory_too(site: Path) -> None:
    edit(site / "group_vars/all/k3s.yml", ('"{{ homelab_releases.k3s }}"', "latest"))
    status, output = run(site, "--tags", "cluster")
    assert status != 0
    assert "homelab_k3s_version: 'latest' is not a version of K3s" in output


def test_a_sound_inventory_is_asked_about_once_and_only_the_limit_is_contacted(site: Path) -> None:
    status, output = run(site, "--limit", "k3s1")
    assert status != 0
    assert output.count("[network] k3s3: What is the MAC address of k3s3's NIC") == 1
    assert "fatal: [k3s1]: UNREACHABLE!" in output
    assert output.count("UNREACHABLE!") == 1


def test_a_question_that_a_layer_needs_stops_it(site: Path) -> None:
    status, output = run(site, "-e", '{"homelab_layers": ["hosts", "storage"]}')
    assert status != 0
    assert "k3s3: homelab_machine.disks[*].serial_pattern is unknown and the layer storage needs it" in output
    assert "UNREACHABLE" not in output


def test_two_files_for_one_machine(site: Path) -> None:
    shutil.copy(site / "host_vars/k3s1.yml", site / "host_vars/K3S1.yaml")
    status, output = run(site)
    assert status != 0
    assert "two machines with one name: 'K3S1.yaml' and 'k3s1.yml'" in " ".join(output.split())


def test_adding_a_node_is_adding_one_file(site: Path) -> None:
    description: dict[str, Any] = yaml.safe_load((site / "host_vars/k3s1.yml").read_text())
    machine = description["homelab_machine"]
    machine |= {"address": "192.0.2.24", "nics": [machine["nics"][0] | {"mac": "02:00:00:00:00:18"}]}
    (site / "host_vars/k3s4.yml").write_text(yaml.safe_dump(description))
    _status, output = run(site, "--limit", "k3s4")
    assert "fatal: [k3s4]: UNREACHABLE!" in output
