# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes when its owner, its namespace or its node goes, and what may not go yet."""

from __future__ import annotations

import json
from typing import Any

import kubernetes
import pytest
from kubernetes.client.exceptions import ApiException

from lab.k3s_standin.api.errors import Obj
from tests.unit.lab.k3s_standin.api.waiting import eventually, gone

# Its types ask for model objects, but it takes plain documents as well.
client: Any = kubernetes.client

POD: Obj = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "default", "labels": {"app": "x"}},
    "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}]},
}
READY: Obj = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}


def test_a_deleted_namespace_takes_its_contents_along(core: Any) -> None:
    core.create_namespace({"metadata": {"name": "x"}})
    core.create_namespaced_config_map("x", {"metadata": {"name": "c", "finalizers": ["ex.io/hold"]}})
    core.create_namespaced_secret("x", {"metadata": {"name": "s"}})
    core.delete_namespace("x")
    eventually(gone(lambda: core.read_namespaced_secret("s", "x")), "secret gone")
    with pytest.raises(ApiException) as refusal:
        core.create_namespaced_secret("x", {"metadata": {"name": "t"}})
    assert refusal.value.status == 403 and "because it is being terminated" in str(refusal.value.body)
    assert core.read_namespace("x").status.phase == "Terminating"
    core.patch_namespaced_config_map("c", "x", {"metadata": {"finalizers": None}})
    eventually(gone(lambda: core.read_namespace("x")), "namespace gone")


def test_system_namespaces_cannot_be_deleted(core: Any) -> None:
    with pytest.raises(ApiException, match="this namespace may not be deleted"):
        core.delete_namespace("kube-system")


def test_every_namespace_gets_its_service_account(core: Any) -> None:
    core.create_namespace({"metadata": {"name": "x"}})
    eventually(lambda: bool(core.list_namespaced_service_account("x").items), "service account")
    token = core.create_namespaced_service_account_token("default", "x", {"spec": {"audiences": []}})
    assert token.status.token == "token-of-default"


@pytest.mark.parametrize(("policy", "survives"), [("Background", False), ("Foreground", False), ("Orphan", True)])
def test_dependents_follow_their_owner_unless_orphaned(core: Any, policy: str, survives: bool) -> None:
    owner = core.create_namespaced_config_map("default", {"metadata": {"name": "owner"}})
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.metadata.uid}
    core.create_namespaced_secret("default", {"metadata": {"name": "kid", "ownerReferences": [reference]}})
    core.delete_namespaced_config_map("owner", "default", propagation_policy=policy)
    eventually(gone(lambda: core.read_namespaced_config_map("owner", "default")), "owner gone")
    if survives:
        assert core.read_namespaced_secret("kid", "default").metadata.owner_references is None
    else:
        eventually(gone(lambda: core.read_namespaced_secret("kid", "default")), "dependent gone")


def test_a_lease_goes_with_its_node(core: Any, api: Any) -> None:
    node = core.create_node({"metadata": {"name": "n1"}})
    reference = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": node.metadata.uid}
    leases, place = client.CoordinationV1Api(api), ("n1", "kube-node-lease")
    metadata = {"name": "n1", "ownerReferences": [reference]}
    leases.create_namespaced_lease("kube-node-lease", {"metadata": metadata, "spec": {"holderIdentity": "n1"}})
    leases.patch_namespaced_lease(*place, {"spec": {"leaseDurationSeconds": 40}})
    core.delete_node("n1")
    eventually(gone(lambda: leases.read_namespaced_lease(*place)), "lease gone")


def test_an_object_whose_owner_never_was_is_collected(core: Any) -> None:
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "none", "uid": "none"}
    core.create_namespaced_secret("default", {"metadata": {"name": "kid", "ownerReferences": [reference]}})
    eventually(gone(lambda: core.read_namespaced_secret("kid", "default")), "dependent gone")


def test_eviction_respects_the_disruption_budget(core: Any, api: Any) -> None:
    for name in ("a", "b"):
        core.create_namespaced_pod("default", {**POD, "metadata": {"name": name, "labels": {"app": "x"}}})
        core.patch_namespaced_pod_status(name, "default", READY)
    budget = {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}}
    policy = client.PolicyV1Api(api)
    policy.create_namespaced_pod_disruption_budget("default", budget)
    core.create_namespaced_pod_eviction("a", "default", {"metadata": {"name": "a"}})
    with pytest.raises(ApiException) as refusal:
        core.create_namespaced_pod_eviction("b", "default", {"metadata": {"name": "b"}})
    assert refusal.value.status == 429
    status = json.loads(str(refusal.value.body))
    assert status["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    eventually(
        lambda: policy.read_namespaced_pod_disruption_budget("b", "default").status.current_healthy == 1,
        "budget status",
    )
