# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cluster_nodes through the official client, against the API server of the lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import cluster_nodes

VERSION = "v1.32.5+k3s1"
NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}

Call = Callable[..., dict[str, Any]]


@pytest.fixture
def node(core: Any) -> None:
    core.create_node(
        {
            "metadata": {"name": "k3s1", "labels": {"theirs": "x"}},
            "spec": {"podCIDR": "10.42.1.0/24", "taints": [NOT_READY]},
        }
    )
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
    status = {"conditions": [ready], "nodeInfo": {"kubeletVersion": VERSION}}
    core.patch_node_status("k3s1", {"status": status}, _preload_content=False)


def read(core: Any) -> Any:
    return json.loads(core.read_node("k3s1", _preload_content=False).data)


@pytest.fixture
def call(kubeconfig_of: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> Call:
    def run(token: str = "admin", check: bool = False, **node: Any) -> dict[str, Any]:
        arguments = {
            "kubeconfig": kubeconfig_of(token),
            "nodes": [{"name": "k3s1", "version": VERSION} | node],
            "timeout": 0,
            "_ansible_check_mode": check,
        }
        with patch_module_args(arguments), pytest.raises(SystemExit):
            cluster_nodes.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


@pytest.mark.usefixtures("node")
def test_labels_and_taints_come_and_go_and_those_of_others_stay(core: Any, call: Call) -> None:
    gpu = {"key": "gpu", "value": "nvidia", "effect": "NoSchedule"}
    wish = {"labels": {"workload": "light"}, "taints": [gpu]}
    theirs = read(core)["spec"]["taints"]
    assert "timeAdded" in theirs[0]
    rehearsed = call(check=True, **wish)
    assert rehearsed["actions"] == call(**wish)["actions"] != []
    assert not call(**wish)["changed"]

    found = read(core)
    assert found["metadata"]["labels"] == {"theirs": "x", "workload": "light"}
    assert found["spec"]["podCIDR"] == "10.42.1.0/24"
    assert found["spec"]["taints"] == [*theirs, gpu]

    assert call()["changed"]
    found = read(core)
    assert found["metadata"]["labels"] == {"theirs": "x"}
    assert found["spec"]["taints"] == theirs


@pytest.mark.usefixtures("node")
def test_taint_that_somebody_sets_meanwhile_is_not_lost(core: Any, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {"key": "node.cilium.io/agent-not-ready", "effect": "NoSchedule"}
    patch = cluster_nodes.Cluster.merge
    interfere = [core.patch_node]

    def interrupted(self: Any, path: str, body: dict[str, Any]) -> None:
        if interfere:
            interfere.pop()("k3s1", {"spec": {"taints": [NOT_READY, theirs]}}, _preload_content=False)
        patch(self, path, body)

    monkeypatch.setattr(cluster_nodes.Cluster, "merge", interrupted)
    assert call(taints=[{"key": "gpu", "effect": "NoSchedule"}])["changed"]
    found = read(core)
    assert [taint["key"] for taint in found["spec"]["taints"]] == [NOT_READY["key"], theirs["key"], "gpu"]


@pytest.mark.usefixtures("node")
def test_label_the_api_refuses_is_named_with_its_reason(call: Call) -> None:
    message = call(labels={"bad key": "x"})["msg"]
    assert message.startswith("k3s1: label bad key=x: the API refused it with 422 ")
    assert "bad key" in message.partition("422")[2]
    assert message.endswith("; correct it in the inventory")


def test_user_without_rights_is_not_waited_for(call: Call) -> None:
    assert call(token="visitor")["msg"].startswith("the API does not let the kubeconfig's user do this (403 ")
    assert call(token="nobody")["msg"].startswith("the API does not let the kubeconfig's user do this (401 ")
