# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.controllers import Controllers
from lab.k3s_standin.api.errors import ApiError, Conflict, NotFound, Obj, forbidden
from lab.k3s_standin.api.identity import User
from lab.k3s_standin.api.operations import Operations
from lab.k3s_standin.api.resources import Resource
from lab.k3s_standin.api.seed import seed
from lab.k3s_standin.api.store import ObjectStore

POD: Obj = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "default"},
    "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}]},
}
CONFIG_MAP: Obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    opened = ObjectStore(str(tmp_path / "state.db"))
    yield opened
    opened.close()


def _client(operations: Operations) -> Client:
    client = Client(operations)
    seed(client, operations)
    return client


def test_admission_may_change_and_refuse(store: ObjectStore) -> None:
    def hook(operation: str, resource: Resource, old: Obj | None, new: Obj | None, user: User) -> Obj | None:
        if operation == "DELETE" and resource.key == "nodes":
            raise forbidden(f"{user.name} may not delete nodes")
        if operation == "CREATE" and resource.key == "nodes" and new is not None:
            return {**new, "spec": {**new["spec"], "taints": [{"key": "new", "effect": "NoSchedule"}]}}
        return None

    client = _client(Operations(store, [hook]))
    node = client.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}})
    assert node["spec"]["taints"] == [{"key": "new", "effect": "NoSchedule"}]
    with pytest.raises(ApiError, match="system:k3s-supervisor may not delete nodes"):
        client.delete("nodes", "n")
    assert client.find("nodes", "n") is not None


def test_a_scheduled_pod_waits_for_its_kubelet_when_asked_to(store: ObjectStore) -> None:
    client = _client(Operations(store, graceful_pods=True))
    client.create(POD)
    marked = client.delete("pods", "p", "default")
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    client.patch("pods", "p", {"status": {"phase": "Running"}}, "default", subresource="status")
    assert client.find("pods", "p", "default") is not None
    client.delete("pods", "p", "default", {"gracePeriodSeconds": 0})
    assert client.find("pods", "p", "default") is None


def test_a_pod_nobody_runs_goes_at_once(store: ObjectStore) -> None:
    client = _client(Operations(store, graceful_pods=True))
    client.create({**POD, "spec": {"containers": POD["spec"]["containers"]}})
    client.delete("pods", "p", "default")
    assert client.find("pods", "p", "default") is None


def test_a_finalizer_holds_an_object_until_it_is_removed(store: ObjectStore) -> None:
    client = _client(Operations(store))
    client.create({**CONFIG_MAP, "metadata": {**CONFIG_MAP["metadata"], "finalizers": ["ex.io/hold"]}})
    client.delete("configmaps", "c", "default")
    assert "deletionTimestamp" in client.get("configmaps", "c", "default")["metadata"]
    client.patch("configmaps", "c", {"metadata": {"finalizers": None}}, "default")
    assert client.find("configmaps", "c", "default") is None


def test_custom_resources_are_served_again_after_a_restart(store: ObjectStore) -> None:
    client = _client(Operations(store))
    chart = {
        "apiVersion": "helm.cattle.io/v1",
        "kind": "HelmChart",
        "metadata": {"name": "h", "namespace": "kube-system"},
    }
    client.create({**chart, "spec": {"chart": "c"}})
    again = Client(Operations(store))
    found = again.get("helmcharts.helm.cattle.io", "h", "kube-system")
    assert found["spec"] == {"chart": "c", "failurePolicy": "reinstall"}


def test_seeding_again_changes_nothing(store: ObjectStore) -> None:
    _client(Operations(store))
    before = store.revision
    _client(Operations(store))
    assert store.revision == before


def test_change_reads_again_when_somebody_else_wrote(store: ObjectStore) -> None:
    client = _client(Operations(store))
    client.create(CONFIG_MAP)
    interruptions = iter([True, False])

    def edit(obj: Obj) -> Obj:
        if next(interruptions):
            client.patch("configmaps", "c", {"data": {"theirs": "1"}}, "default")
        return {**obj, "data": {**obj.get("data", {}), "ours": "1"}}

    assert client.change("configmaps", "c", edit, "default")["data"] == {"theirs": "1", "ours": "1"}


def test_an_update_with_an_old_version_stays_a_conflict(store: ObjectStore) -> None:
    client = _client(Operations(store))
    old = client.create(CONFIG_MAP)
    client.patch("configmaps", "c", {"data": {"a": "1"}}, "default")
    with pytest.raises(Conflict):
        client.update({**old, "data": {"a": "2"}})


@pytest.mark.parametrize("namespace", ["missing", ""])
def test_objects_need_a_namespace_that_exists(store: ObjectStore, namespace: str) -> None:
    client = _client(Operations(store))
    with pytest.raises(ApiError):
        client.create({**CONFIG_MAP, "metadata": {"name": "c", "namespace": namespace}})
    with pytest.raises(NotFound):
        client.get("configmaps", "c", namespace)


def test_events_are_forgotten_after_an_hour(store: ObjectStore) -> None:
    operations = Operations(store)
    client = _client(operations)
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"namespace": "default"}, "involvedObject": {}}
    for name, moment in (("old", "2020-01-01T00:00:00Z"), ("new", "2999-01-01T00:00:00Z")):
        client.create({**event, "metadata": {"name": name, "namespace": "default"}, "lastTimestamp": moment})
    Controllers(client, operations).forget_old_events()
    assert [item["metadata"]["name"] for item in client.list("events")] == ["new"]
