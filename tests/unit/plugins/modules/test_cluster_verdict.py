# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cluster_verdict through the official client, against the API server of the lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import cluster_verdict
from tests.unit.verified_home import SITE, seen

Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call(kubeconfig_of: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    described = {"address": "192.0.2.21"}
    machines = {"worker": {"group_names": ["k3s_agent"], "homelab_machine": described, "homelab_node": {}}}

    def run(**more: Any) -> dict[str, Any]:
        arguments = {
            "kubeconfig": kubeconfig_of("admin"),
            "machines": machines,
            "site": SITE,
            "evidence": {"worker": seen("k3s-agent.service") | {"nfs": {}}},
            "backups": str(tmp_path / "*.tar.age"),
            "folder": str(tmp_path / "reports"),
        }
        with patch_module_args(arguments | more), pytest.raises(SystemExit):
            cluster_verdict.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


@pytest.fixture
def worker(core: Any, tmp_path: Path) -> Any:
    (tmp_path / "one.tar.age").write_text("")
    core.create_node({"metadata": {"name": "worker"}}, _preload_content=False)
    status = {
        "conditions": [{"type": "Ready", "status": "True"}],
        "nodeInfo": {"kubeletVersion": SITE["homelab_k3s_version"]},
        "addresses": [{"type": "InternalIP", "address": "192.0.2.21"}],
    }
    core.patch_node_status("worker", {"status": status}, _preload_content=False)
    return core


@pytest.mark.usefixtures("worker")
def test_a_healthy_cluster_has_three_reports_and_no_fault(call: Call) -> None:
    result = call()
    assert (result["faults"], result["healthy"], result["changed"]) == ([], True, False)
    assert sorted(result["files"]) == ["html", "json", "xml"]
    kept = json.loads(Path(result["files"]["json"]).read_text())
    assert kept["rows"] == result["rows"]
    assert [machine["name"] for machine in kept["machines"]] == ["worker"]


def test_a_fault_is_new_once(call: Call, worker: Any) -> None:
    call()
    worker.patch_node("worker", {"spec": {"unschedulable": True}}, _preload_content=False)
    first = call()
    assert first["new"] == ["nodes/worker/takes-pods"]
    assert first["faults"] == [
        "nodes: worker: takes-pods: is cordoned by somebody; kubectl uncordon worker",
    ]


@pytest.mark.usefixtures("worker")
def test_check_mode_writes_nothing(call: Call, tmp_path: Path) -> None:
    result = call(_ansible_check_mode=True)
    assert (result["healthy"], result["files"]) == (True, {})
    assert not (tmp_path / "reports").exists()


def test_an_api_that_does_not_answer_is_a_row(call: Call, tmp_path: Path) -> None:
    result = call(kubeconfig=str(tmp_path / "none.yaml"), folder=None)
    assert [fault.split(": ")[:3] for fault in result["faults"]] == [
        ["nodes", "cluster", "api"],
        ["datastore", "cluster", "backup"],
    ]


@pytest.mark.usefixtures("worker")
def test_layers_are_looked_at_where_they_are_built(call: Call) -> None:
    result = call(layers=["gitops", "storage"])
    assert "gitops: flux: installed: the cluster has no Flux; ansible-playbook playbooks/gitops.yml" in result["faults"]
    assert any(row["check"] == "installed" and row["status"] == "off" for row in result["rows"])


@pytest.mark.usefixtures("worker")
def test_a_folder_that_cannot_be_written_is_one_sentence(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "name another folder" in call(folder=str(tmp_path / "file" / "reports"))["msg"]
