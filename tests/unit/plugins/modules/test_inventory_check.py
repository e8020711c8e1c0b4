# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as Ansible calls it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import inventory_check
from tests.unit.plugins.module_utils._inventory.inventory_samples import inventory, put

TOKENS = {"server_token": "5f1d9a7c3e8b2046d1c95e7a80b3f264", "agent_token": "e8a04b7d2c6f19358d7be0a4c15f2936"}
QUESTION = {"fact": "homelab_machine.os", "needed_by": "gpu", "question": "Which system?"}


def call(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    with patch_module_args(options), pytest.raises(SystemExit) as stop:
        inventory_check.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (stop.value.code == 0) == (not answer.get("failed"))
    return answer


def test_a_sound_inventory(capsys: pytest.CaptureFixture[str]) -> None:
    machines, site = inventory()
    put(machines, "k3s1.homelab_unknown", [QUESTION])
    answer = call(capsys, machines=machines, site=site, layers=["hosts", "cluster"], **TOKENS)
    assert answer["changed"] is False
    assert answer["problems"] == []
    assert answer["questions"] == ["[gpu] k3s1: Which system? (homelab_machine.os)"]
    assert answer["unknowns"] == [{"machine": "k3s1", **QUESTION}]
    assert answer["machines"] == {
        "k3s1": {"address": "192.168.10.21", "node": "k3s1", "role": "agent", "macs": ["6c:1f:f7:1b:e8:15"]},
        "k3s2": {"address": "192.168.10.23", "node": "k3s2", "role": "agent", "macs": ["6c:1f:f7:1b:e8:17"]},
        "master": {"address": "192.168.10.30", "node": "master", "role": "server", "macs": ["6c:1f:f7:1b:e8:1e"]},
        "r730": {"address": "192.168.10.100", "node": None, "role": "none", "macs": ["6c:1f:f7:1b:e8:64"]},
    }


def test_faults_of_every_kind_come_in_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    machines, site = inventory()
    put(machines, "k3s1.homelab_machine.nics.0.mac", "xx")
    put(machines, "k3s2.homelab_machine.address", "192.168.10.30")
    put(machines, "k3s2.homelab_node.labels", {"node-role.kubernetes.io/worker": ""})
    put(machines, "k3s1.homelab_unknown", [QUESTION])
    answer = call(capsys, machines=machines, site=site, layers=["gpu"], server_token=TOKENS["server_token"])
    assert answer["failed"] is True
    assert [problem.split(" ")[0] for problem in answer["problems"]] == [
        "k3s1:", "k3s2", "k3s2:", "homelab_k3s_agent_token", "k3s1:",
    ]  # fmt: skip
    assert answer["msg"] == "\n- ".join(["the inventory has 5 problems:", *answer["problems"]])


def test_tokens_appear_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    machines, site = inventory()
    token = "K10" + "b" * 64 + "::" + "server:tops3cr3t"
    answer = call(capsys, machines=machines, site=site, server_token=token, agent_token=token)
    assert len(answer["problems"]) == 3
    assert token not in json.dumps(answer)
    assert answer["invocation"]["module_args"]["server_token"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def test_an_empty_inventory_is_named_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    answer = call(capsys, machines={}, site={})
    missing = [problem.split(" ")[0] for problem in answer["problems"] if " is missing" in problem]
    assert {"homelab_name", "homelab_pod_cidr", "homelab_node_network", "homelab_k3s_server_token"} <= set(missing)
