# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rebuild_plan through the official client, against the API server of the lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import rebuild_plan

V = "v1.32.5+k3s1"
RAW = {"_preload_content": False}
RUNS = {"version": V, "units": ["k3s-agent.service"], "active": ["k3s-agent.service"], "datastore": "none"}
WISH = {"name": "k3s1", "node": "worker-1", "role": "agent", "servers": ["k3s-master1"], "version": V}


def call(capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    with patch_module_args(WISH | {"reachable": True} | arguments), pytest.raises(SystemExit):
        rebuild_plan.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_the_node_as_the_cluster_has_it(
    core: Any, kubeconfig_of: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    config = kubeconfig_of("admin")
    core.create_node({"metadata": {"name": "worker-1"}}, **RAW)
    conditions = [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ready"}]
    core.patch_node_status("worker-1", {"status": {"conditions": conditions, "nodeInfo": {"kubeletVersion": V}}}, **RAW)
    healthy = call(capsys, kubeconfig=config, k3s=RUNS)
    assert (healthy["state"], healthy["steps"], healthy["changed"]) == ("healthy", [], False)
    ours = {"metadata": {"annotations": {"homelab.fletcherlabs.net/cordoned": "x"}}, "spec": {"unschedulable": True}}
    core.patch_node("worker-1", ours, **RAW)
    assert call(capsys, kubeconfig=config, k3s=RUNS)["state"] == "unfinished"
    dead = call(capsys, kubeconfig=config, reachable=False)
    assert dead["actions"][0] == {
        "kind": "wait",
        "target": "k3s1",
        "sentence": "k3s1: wait until it answers again, freshly installed",
    }


def test_refusals_are_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    k3s = {"units": ["k3s.service"]}
    result = call(capsys, kubeconfig=str(tmp_path / "missing"), k3s=k3s)
    assert len(result["reasons"]) == 2
    assert "k3s1 has k3s.service" in result["msg"] and "the API does not answer" in result["msg"]
