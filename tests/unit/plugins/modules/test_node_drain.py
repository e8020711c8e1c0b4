# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_drain through the official client, against the API server of the lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import node_drain

Call = Callable[..., dict[str, Any]]
RAW = {"_preload_content": False}


def pod(name: str, kind: str | None = "ReplicaSet", **labels: str) -> dict[str, Any]:
    # of a group that is not served: the API collects pods whose owner it can look for and not find
    owner = {"apiVersion": "tests.example/v1", "kind": kind, "name": "x", "uid": "1", "controller": True}
    metadata = {"name": name, "labels": labels, "ownerReferences": [owner] if kind else []}
    return {"metadata": metadata, "spec": {"nodeName": "k3s1", "containers": [{"name": "c", "image": "i"}]}}


def report(core: Any, status: str) -> None:
    """What the kubelet, or its absence, says of the node."""
    ready = {"type": "Ready", "status": status, "reason": "Reason", "message": "words"}
    core.patch_node_status("k3s1", {"status": {"conditions": [ready]}}, **RAW)


@pytest.fixture
def cluster(core: Any) -> Any:
    core.create_node({"metadata": {"name": "k3s1"}}, **RAW)
    report(core, "True")
    return core


def place(core: Any, name: str, kind: str | None = "ReplicaSet") -> None:
    core.create_namespaced_pod("default", pod(name, kind), **RAW)
    core.patch_namespaced_pod_status(name, "default", {"status": {"phase": "Running"}}, **RAW)


@pytest.fixture
def call(kubeconfig_of: Callable[[str], str], capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> Call:
    monkeypatch.setattr(node_drain, "POLL_SECONDS", 0.05)

    def run(state: str, check: bool = False, **more: Any) -> dict[str, Any]:
        arguments = {"kubeconfig": kubeconfig_of("admin"), "node": "k3s1", "state": state, "timeout": 1} | more
        with patch_module_args(arguments | {"_ansible_check_mode": check}), pytest.raises(SystemExit):
            node_drain.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


def unschedulable(core: Any) -> bool:
    return bool(json.loads(core.read_node("k3s1", **RAW).data)["spec"].get("unschedulable"))


def pods(core: Any) -> list[str]:
    return [item["metadata"]["name"] for item in json.loads(core.list_namespaced_pod("default", **RAW).data)["items"]]


def test_drained_and_back(cluster: Any, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    place(cluster, "web")
    place(cluster, "agent", "DaemonSet")
    rehearsed = call("drained", check=True)
    assert [action["kind"] for action in rehearsed["actions"]] == ["cordon", "evict"]
    assert not unschedulable(cluster) and pods(cluster) == ["agent", "web"]

    evict = node_drain.Drain.evict

    def and_stop(self: Any, each: Any) -> str:
        answer = evict(self, each)
        # the kubelet's part: the pod has stopped
        cluster.delete_namespaced_pod(each.name, each.namespace, grace_period_seconds=0, **RAW)
        return answer

    monkeypatch.setattr(node_drain.Drain, "evict", and_stop)
    assert call("drained")["actions"] == rehearsed["actions"]
    assert unschedulable(cluster) and pods(cluster) == ["agent"]
    assert not call("drained")["changed"]
    assert call("uncordoned")["changed"]
    assert not unschedulable(cluster)
    assert not call("uncordoned")["changed"]


def test_somebody_elses_cordon_stays(cluster: Any, call: Call) -> None:
    cluster.patch_node("k3s1", {"spec": {"unschedulable": True}}, **RAW)
    assert not call("cordoned")["changed"]
    result = call("uncordoned")
    assert not result["changed"]
    assert result["notices"] == ["k3s1 was cordoned by somebody else and stays so: kubectl uncordon k3s1"]
    assert unschedulable(cluster)


def test_a_pod_that_nobody_makes_again_is_refused_before_anything_is_done(cluster: Any, call: Call) -> None:
    place(cluster, "alone", None)
    assert "pods that nobody would make again (default/alone)" in call("drained")["msg"]
    assert not unschedulable(cluster)


def test_a_budget_that_never_allows_is_named_and_the_cordon_lifted(
    cluster: Any, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(cluster, "web")
    sentence = "Cannot evict pod as it would violate the pod's disruption budget."

    def held(*_: Any, **__: Any) -> dict[str, Any]:
        raise node_drain.Refusal(429, f"429 Too Many Requests: {sentence}")

    monkeypatch.setattr(node_drain.Cluster, "request", keep(node_drain.Cluster.request, "eviction", held))
    message = call("drained")["msg"]
    assert message.startswith("k3s1 was not empty after 1 s, since pods may not be evicted (default/web: " + sentence)
    assert not unschedulable(cluster)


def keep(original: Any, part: str, instead: Any) -> Any:
    """The original for all paths but those with a part in them."""
    return lambda self, method, path, *rest: (instead if part in path else original)(self, method, path, *rest)


def test_a_node_that_goes_away_meanwhile_is_named(cluster: Any, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    place(cluster, "web")
    monkeypatch.setattr(node_drain.Drain, "evict", lambda *_: report(cluster, "Unknown") or "")
    message = call("drained", timeout=20)["msg"]
    assert message.startswith("k3s1 stopped answering while it was drained (Reason: words), with 1 pods left")


def test_a_node_that_does_not_answer_is_cordoned_only(cluster: Any, call: Call) -> None:
    place(cluster, "web")
    report(cluster, "Unknown")
    result = call("drained")
    assert [action["kind"] for action in result["actions"]] == ["cordon"]
    assert result["answering"] is False and "does not answer (Reason: words)" in result["notices"][0]
    assert pods(cluster) == ["web"]


def test_pods_that_do_not_stop_are_named(cluster: Any, call: Call) -> None:
    place(cluster, "web")
    assert "default/web did not stop" in call("drained")["msg"]


def test_a_node_that_is_not_there(core: Any, call: Call) -> None:
    result = call("drained")
    assert (result["changed"], result["found"]) == (False, False)


def test_an_api_that_does_not_answer(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: Any) -> None:
        raise node_drain.Unreachable("the API did not answer: refused")

    monkeypatch.setattr(node_drain.Cluster, "request", silent)
    assert call("drained")["msg"] == "k3s1: the API did not answer: refused"
    result = call("drained", if_unreachable="skip")
    assert (result["changed"], result["notices"]) == (False, ["the API did not answer: refused"])
