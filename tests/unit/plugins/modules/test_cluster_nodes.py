# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cluster_nodes through its main, against a cluster in memory at the module's own seam."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import cluster_nodes

VERSION = "v1.32.5+k3s1"


class Cluster:
    """Node documents, changed by merge patches; conflicts on demand."""

    def __init__(self, *names: str, ready: bool = True) -> None:
        self.documents = {name: self._node(name, ready) for name in names}
        self.conflicts = 0
        self.looks = 0

    @staticmethod
    def _node(name: str, ready: bool) -> dict[str, Any]:
        condition = {"type": "Ready", "status": str(ready), "reason": "KubeletNotReady", "message": "no CNI"}
        return {
            "metadata": {"name": name, "labels": {}, "annotations": {}, "resourceVersion": "1"},
            "spec": {"taints": [{"key": "theirs", "effect": "NoSchedule"}]},
            "status": {"conditions": [condition], "nodeInfo": {"kubeletVersion": VERSION}},
        }

    def get(self, path: str) -> dict[str, Any]:
        assert path == "/api/v1/nodes"
        self.looks += 1
        return {"items": list(self.documents.values())}

    def merge(self, path: str, body: dict[str, Any]) -> None:
        name = path.removeprefix("/api/v1/nodes/")
        if self.conflicts:
            self.conflicts -= 1
            raise cluster_nodes.Refusal(409, "409 Conflict")
        metadata = self.documents[name]["metadata"]
        for field in ("labels", "annotations"):
            for key, value in body["metadata"].get(field, {}).items():
                metadata[field].pop(key, None)
                metadata[field].update({} if value is None else {key: value})
        self.documents[name]["spec"].update(body.get("spec", {}))


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.write_text("")
    return path


def call(
    cluster: Cluster,
    kubeconfig: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    check: bool = False,
    **node: Any,
) -> dict[str, Any]:
    monkeypatch.setattr(cluster_nodes, "Cluster", lambda path: cluster)
    monkeypatch.setattr(cluster_nodes, "POLL_SECONDS", 0.01)
    arguments = {
        "kubeconfig": str(kubeconfig),
        "nodes": [{"name": "k3s1", "version": VERSION} | node],
        "timeout": 0,
        "_ansible_check_mode": check,
    }
    with patch_module_args(arguments), pytest.raises(SystemExit):
        cluster_nodes.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_four_calls(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster("k3s1")
    wish = {"labels": {"workload": "light"}, "taints": [{"key": "gpu", "effect": "NoSchedule"}]}
    rehearsed = call(cluster, kubeconfig, monkeypatch, capsys, check=True, **wish)
    assert cluster.documents["k3s1"]["metadata"]["labels"] == {}
    done = call(cluster, kubeconfig, monkeypatch, capsys, **wish)
    assert rehearsed["changed"] and done["changed"] and rehearsed["actions"] == done["actions"]
    assert cluster.documents["k3s1"]["metadata"]["labels"] == {"workload": "light"}
    assert [taint["key"] for taint in cluster.documents["k3s1"]["spec"]["taints"]] == ["theirs", "gpu"]
    assert not call(cluster, kubeconfig, monkeypatch, capsys, **wish)["changed"]
    assert not call(cluster, kubeconfig, monkeypatch, capsys, check=True, **wish)["changed"]


def test_a_label_that_is_wanted_no_more_goes_and_others_stay(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster("k3s1")
    call(cluster, kubeconfig, monkeypatch, capsys, labels={"workload": "light"})
    cluster.documents["k3s1"]["metadata"]["labels"]["theirs"] = "x"
    call(cluster, kubeconfig, monkeypatch, capsys)
    assert cluster.documents["k3s1"]["metadata"]["labels"] == {"theirs": "x"}


def test_conflict_is_planned_again(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster("k3s1")
    cluster.conflicts = 2
    call(cluster, kubeconfig, monkeypatch, capsys, labels={"workload": "light"})
    assert cluster.documents["k3s1"]["metadata"]["labels"] == {"workload": "light"}


def test_wait_says_what_was_last_seen(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(Cluster("k3s1", ready=False), kubeconfig, monkeypatch, capsys)
    assert result["msg"] == ("after 0 s not every node is Ready: k3s1 is not Ready, last seen: KubeletNotReady: no CNI")


def test_check_mode_before_there_is_a_cluster_tells_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster()
    result = call(cluster, tmp_path / "missing", monkeypatch, capsys, check=True)
    assert result["changed"]
    assert [action["sentence"] for action in result["actions"]] == ["k3s1: register, then get its labels and taints"]
    assert cluster.looks == 0


def test_nodes_the_inventory_does_not_name_are_reported_and_left_alone(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster("k3s1", "stranger")
    result = call(cluster, kubeconfig, monkeypatch, capsys, labels={"a": "b"})
    assert result["foreign"] == ["stranger"]
    assert cluster.documents["stranger"]["metadata"]["annotations"] == {}


def test_check_mode_names_a_node_that_is_still_to_come(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(Cluster("k3s2"), kubeconfig, monkeypatch, capsys, check=True)
    assert result["changed"]
    assert [action["sentence"] for action in result["actions"]] == ["k3s1: register, then get its labels and taints"]
    assert result["diff"] == {"before": "", "after": "k3s1: register, then get its labels and taints\n"}


def test_api_that_does_not_answer_is_the_last_thing_seen(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster("k3s1")

    def get(_path: str) -> dict[str, Any]:
        raise cluster_nodes.Unreachable("the API did not answer: 503 Service Unavailable")

    monkeypatch.setattr(cluster, "get", get)
    result = call(cluster, kubeconfig, monkeypatch, capsys)
    assert result["msg"] == ("after 0 s not every node is Ready: the API did not answer: 503 Service Unavailable")
    said: list[str] = []
    monkeypatch.setattr(cluster_nodes.AnsibleModule, "warn", lambda _self, text: said.append(text))
    assert call(cluster, kubeconfig, monkeypatch, capsys, check=True)["changed"]
    assert "takes every node as one that is still to come" in said[0]


def test_endless_conflict_ends(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster("k3s1")
    cluster.conflicts = 99
    result = call(cluster, kubeconfig, monkeypatch, capsys, labels={"workload": "light"})
    assert result["msg"] == ("the nodes could not be brought in step in 5 tries, last: 409 Conflict; run again")


def test_kubeconfig_that_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "missing"
    with patch_module_args({"kubeconfig": str(path), "nodes": [{"name": "k3s1"}]}), pytest.raises(SystemExit):
        cluster_nodes.main()
    assert json.loads(capsys.readouterr().out)["msg"] == (
        f"{path} is no kubeconfig (Invalid kube-config file. No configuration found.); "
        "build the first server, whose kubeconfig is fetched to there"
    )
