# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cluster.yml makes of the inventory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

PLAYBOOK = Path(__file__).resolve().parents[3] / "playbooks" / "cluster.yml"
VERSION = "v1.32.5+k3s1"


def nodes(hostvars: dict[str, Any]) -> Any:
    """The playbook's own expression for the nodes it keeps in step, evaluated on these hosts."""
    (task,) = yaml.safe_load(PLAYBOOK.read_text())[-1]["tasks"]
    templar = Templar(DataLoader(), variables={"ansible_play_hosts": list(hostvars), "hostvars": hostvars})
    return templar.template(trust_as_template(task["vars"]["homelab_nodes"]))


def test_node_is_called_as_its_host_unless_the_inventory_says_otherwise() -> None:
    named = {"homelab_k3s_version": VERSION, "homelab_node": {"name": "worker-two", "labels": {"a": "b"}}}
    plain = {"homelab_k3s_version": VERSION, "homelab_node": {"taints": [{"key": "t", "effect": "NoSchedule"}]}}
    bare = {"homelab_k3s_version": VERSION}
    assert nodes({"k3s2": named, "k3s1": plain, "k3s3": bare}) == [
        {"name": "worker-two", "labels": {"a": "b"}, "taints": [], "version": VERSION},
        {"name": "k3s1", "labels": {}, "taints": [{"key": "t", "effect": "NoSchedule"}], "version": VERSION},
        {"name": "k3s3", "labels": {}, "taints": [], "version": VERSION},
    ]


def test_plays_go_from_servers_one_by_one_to_all_agents_to_the_api() -> None:
    plays = yaml.safe_load(PLAYBOOK.read_text())
    assert [(play["hosts"].partition(":&")[0], play.get("serial")) for play in plays] == [
        ("k3s_server", 1),
        ("k3s_agent", None),
        ("k3s_cluster", None),
    ]
