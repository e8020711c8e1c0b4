# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers against a real store, called by hand so that no test waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.operations import Operations
from lab.k3s_standin.api.seed import seed
from lab.k3s_standin.api.store import ObjectStore
from lab.k3s_standin.control_plane import grace_seconds
from lab.k3s_standin.controllers import nodes
from lab.k3s_standin.controllers.addons import Addons
from lab.k3s_standin.controllers.namespaces import RootCa
from lab.k3s_standin.controllers.own_node import DeletedNodes, OwnNode
from lab.k3s_standin.controllers.pods import MESSAGE, Pods
from lab.k3s_standin.controllers.workloads import Workloads
from lab.k3s_standin.node_passwords import NodePasswords, Rejected

LEASES = "leases.coordination.k8s.io"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    store = ObjectStore(str(tmp_path / "db"))
    operations = Operations(store)
    made = Client(operations)
    seed(made, operations)
    yield made
    store.close()


def _add_node(client: Client, name: str, ready: str = "True", **metadata: Any) -> None:
    status = {
        "conditions": [{"type": "Ready", "status": ready}],
        "addresses": [{"type": "InternalIP", "address": f"192.0.2.{len(name)}"}],
    }
    client.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, **metadata}, "status": status})


def _renew(client: Client, name: str, stamp: str) -> None:
    spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": f"2026-01-01T00:00:{stamp}.000000Z"}
    metadata = {"name": name, "namespace": "kube-node-lease"}
    client.apply({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec})


def _ready(client: Client, name: str) -> str:
    conditions = client.get("nodes", name)["status"]["conditions"]
    return next(str(item["status"]) for item in conditions if item["type"] == "Ready")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("lab.k3s_standin.controllers.nodes.time.monotonic", lambda: now[0])
    return now


def test_a_silent_node_becomes_unknown_after_forty_seconds(client: Client, clock: list[float]) -> None:
    lifecycle = nodes.NodeLifecycle(client)
    _add_node(client, "quiet")
    _add_node(client, "lively")
    for second in (0, 20, 40, 41):
        clock[0] = 100.0 + second
        if second == 0:
            _renew(client, "quiet", "00")
        _renew(client, "lively", f"{second:02}")
        assert _ready(client, "quiet") == "True"
        lifecycle.sync()
    assert (_ready(client, "quiet"), _ready(client, "lively")) == ("Unknown", "True")
    lifecycle.sync()
    taints = client.get("nodes", "quiet")["spec"]["taints"]
    assert {(taint["key"], taint["effect"]) for taint in taints} == {
        ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoSchedule"),
    }


def test_a_restarted_server_gives_every_node_its_time_again(client: Client, clock: list[float]) -> None:
    _add_node(client, "n")
    _renew(client, "n", "00")
    clock[0] = 9999.0
    nodes.NodeLifecycle(client).sync()
    assert _ready(client, "n") == "True"


@pytest.mark.parametrize(
    ("arguments", "wanted"), [((), 40.0), (("node-monitor-grace-period=16s",), 16.0), (("other=1",), 40.0)]
)
def test_patience_is_configurable_as_upstream(arguments: tuple[str, ...], wanted: float) -> None:
    assert grace_seconds(arguments) == wanted


def test_every_node_has_a_pod_network_of_its_own(client: Client) -> None:
    for name in ("a", "b", "c"):
        _add_node(client, name)
    nodes.NodeLifecycle(client, "10.42.0.0/16").sync()
    networks = [client.get("nodes", name)["spec"]["podCIDR"] for name in ("a", "b", "c")]
    assert networks == ["10.42.0.0/24", "10.42.1.0/24", "10.42.2.0/24"]


def test_the_first_to_come_keeps_a_nodes_name(client: Client) -> None:
    passwords = NodePasswords(client)
    passwords.ensure("k3s1", "first")
    passwords.ensure("k3s1", "first")
    with pytest.raises(Rejected, match="unable to verify hash for node 'k3s1'"):
        passwords.ensure("k3s1", "second")
    secret = client.get("secrets", "k3s1.node-password.k3s", "kube-system")
    assert secret["immutable"] is True


def test_deleting_a_node_frees_its_name(client: Client) -> None:
    passwords = NodePasswords(client)
    controller = DeletedNodes(client, passwords)
    for name in ("gone", "stays"):
        passwords.ensure(name, "first")
        _add_node(client, name)
    controller.sync()
    client.delete("nodes", "gone")
    controller.sync()
    passwords.ensure("gone", "second")
    with pytest.raises(Rejected):
        passwords.ensure("stays", "second")


def test_a_node_deleted_while_the_server_was_down_is_found_at_start(client: Client) -> None:
    passwords = NodePasswords(client)
    passwords.ensure("gone", "first")
    DeletedNodes(client, passwords).sync()
    passwords.ensure("gone", "second")


def test_a_server_labels_its_own_node_and_leaves_others(client: Client) -> None:
    _add_node(client, "s", labels={"mine": "1"})
    _add_node(client, "a")
    OwnNode(client, "s", {"node-role.kubernetes.io/master": "true"}, {}).sync()
    assert client.get("nodes", "s")["metadata"]["labels"] == {"mine": "1", "node-role.kubernetes.io/master": "true"}
    assert "node-role.kubernetes.io/master" not in (client.get("nodes", "a")["metadata"].get("labels") or {})


def test_every_namespace_knows_the_cluster_ca(client: Client) -> None:
    RootCa(client, "new").sync()
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "later"}})
    RootCa(client, "newer").sync()
    for namespace in ("default", "later"):
        assert client.get("configmaps", "kube-root-ca.crt", namespace)["data"] == {"ca.crt": "newer"}


MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {0}, namespace: default}}\ndata: {{v: '{1}'}}\n"


def test_manifests_are_applied_on_start_and_on_change(client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    addons = Addons(client, folder, "s", frozenset({"disabled"}))
    (folder / "one.yaml").write_text(MAP.format("one", 1) + "---\n" + MAP.format("two", 1))
    (folder / "skipped.yaml").write_text(MAP.format("skipped", 1))
    (folder / "skipped.yaml.skip").touch()
    (folder / "disabled.yaml").write_text(MAP.format("disabled", 1))
    (folder / "broken.yaml").write_text("a: [b")
    addons.sync()
    names = [item["metadata"]["name"] for item in client.list("configmaps", "default")]
    assert names == ["one", "two"]
    assert [item["metadata"]["name"] for item in client.list("addons.k3s.cattle.io")] == ["one"]
    (folder / "one.yaml").write_text(MAP.format("one", "changed"))
    addons.sync()
    assert client.get("configmaps", "one", "default")["data"] == {"v": "changed"}
    (folder / "one.yaml").unlink()
    addons.sync()
    assert client.find("configmaps", "one", "default") is not None


def _deployment(client: Client, image: str) -> None:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    metadata = {"name": "web", "namespace": "default"}
    client.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})


def _settle(client: Client) -> None:
    for _ in range(6):
        Workloads(client).sync()
        Pods(client).sync()


def test_a_deployment_runs_on_ready_nodes_and_says_it_is_a_double(client: Client) -> None:
    _add_node(client, "down", "False")
    _add_node(client, "up")
    nodes.NodeLifecycle(client).sync()
    _deployment(client, "one")
    _settle(client)
    pods = client.list("pods", "default")
    assert [pod["spec"]["nodeName"] for pod in pods] == ["up", "up"]
    assert {pod["metadata"]["annotations"]["lab.fletcherlabs.net/double"] for pod in pods} == {MESSAGE}
    assert all(MESSAGE in pod["status"]["message"] for pod in pods)
    assert client.get("deployments.apps", "web", "default")["status"]["availableReplicas"] == 2


def test_a_rollout_ends_with_new_pods_only(client: Client) -> None:
    _add_node(client, "up")
    _deployment(client, "one")
    _settle(client)
    _deployment(client, "two")
    _settle(client)
    images = [pod["spec"]["containers"][0]["image"] for pod in client.list("pods", "default")]
    assert images == ["two", "two"]


def test_pods_of_a_deleted_node_are_removed_and_those_of_a_silent_one_not_ready(client: Client) -> None:
    _add_node(client, "one")
    _deployment(client, "x")
    _settle(client)

    def silence(node: dict[str, Any]) -> dict[str, Any]:
        node["status"]["conditions"][0]["status"] = "Unknown"
        return node

    client.change("nodes", "one", silence, subresource="status")
    Pods(client).sync()
    assert all(pod["status"]["conditions"][-1]["status"] == "False" for pod in client.list("pods", "default"))
    client.delete("nodes", "one")
    Pods(client).sync()
    assert client.list("pods", "default") == []
