# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_removal through the official client, against the API server of the lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import node_removal

Call = Callable[..., dict[str, Any]]
RAW = {"_preload_content": False}
SERVER = {"node-role.kubernetes.io/control-plane": "true", "node-role.kubernetes.io/etcd": "true"}
SECRET = "k3s1.node-password.k3s"


@pytest.fixture
def cluster(core: Any) -> Any:
    for name, labels in (("k3s-master1", SERVER), ("k3s1", {})):
        core.create_node({"metadata": {"name": name, "labels": labels}}, **RAW)
        ready = {"type": "Ready", "status": "True", "reason": "Reason", "message": "words"}
        core.patch_node_status(name, {"status": {"conditions": [ready]}}, **RAW)
    return core


@pytest.fixture
def call(kubeconfig_of: Callable[[str], str], capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> Call:
    monkeypatch.setattr(node_removal, "POLL_SECONDS", 0.05)

    def run(node: str, check: bool = False, timeout: int = 1) -> dict[str, Any]:
        arguments = {"kubeconfig": kubeconfig_of("admin"), "node": node, "timeout": timeout}
        with patch_module_args(arguments | {"_ansible_check_mode": check}), pytest.raises(SystemExit):
            node_removal.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


def names(core: Any) -> list[str]:
    return [item["metadata"]["name"] for item in json.loads(core.list_node(**RAW).data)["items"]]


def test_node_goes_once(cluster: Any, call: Call) -> None:
    rehearsed = call("k3s1", check=True)
    assert names(cluster) == ["k3s-master1", "k3s1"]
    real = call("k3s1")
    assert real["actions"] == rehearsed["actions"] != []
    assert names(cluster) == ["k3s-master1"]
    assert not call("k3s1")["changed"]


def test_last_server_is_refused(cluster: Any, call: Call) -> None:
    result = call("k3s-master1")
    assert result["failed"] and result["reasons"] == [
        "k3s-master1 is the only server, expected another one to be left; "
        "add a server first, or reset the whole cluster with reset_node.yml"
    ]
    assert names(cluster) == ["k3s-master1", "k3s1"]


def test_password_that_stays_is_told(cluster: Any, call: Call) -> None:
    cluster.create_namespaced_secret("kube-system", {"metadata": {"name": SECRET}}, **RAW)
    message = call("k3s1", timeout=0)["msg"]
    assert message.startswith(f"k3s1: /api/v1/namespaces/kube-system/secrets/{SECRET} were still there after 0 s")


def test_no_answer_is_one_sentence(cluster: Any, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(*_arguments: Any) -> None:
        raise node_removal.Unreachable("the API did not answer: refused")

    monkeypatch.setattr(node_removal.Cluster, "request", dead)
    assert call("k3s1")["msg"] == "k3s1: the API did not answer: refused"
