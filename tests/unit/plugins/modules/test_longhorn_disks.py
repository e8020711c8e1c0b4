# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""longhorn_disks through the official client, against the API server of the lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes
import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._longhorn.disks import ANNOTATION, LABEL
from ansible_collections.fletcherlabs.homelab.plugins.modules import longhorn_disks

Call = Callable[..., dict[str, Any]]
GROUP, VERSION, NAMESPACE = "longhorn.io", "v1beta2", "longhorn-system"
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
NODES = [{"name": "k3s1", "disks": [{"name": "ssd-1", "path": "/mnt/ssd-1", "tags": ["ssd"], "reserved": 7}]}]


@pytest.fixture
def call(kubeconfig_of: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> Call:
    def run(**more: Any) -> dict[str, Any]:
        with (
            patch_module_args({"kubeconfig": kubeconfig_of("admin"), "nodes": NODES} | more),
            pytest.raises(SystemExit),
        ):
            longhorn_disks.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


@pytest.fixture
def node(core: Any) -> Any:
    core.create_node({"metadata": {"name": "k3s1", "labels": {"bgp": "enabled"}}}, _preload_content=False)
    return core


class Longhorn:
    """Longhorn's kinds, and the node as Longhorn has it."""

    def __init__(self, core: Any) -> None:
        self.custom = kubernetes.client.CustomObjectsApi(core.api_client)
        core.create_namespace({"metadata": {"name": NAMESPACE}}, _preload_content=False)
        extensions = kubernetes.client.ApiextensionsV1Api(core.api_client)
        for plural, kind in (("nodes", "Node"), ("replicas", "Replica"), ("settings", "Setting")):
            names = {"plural": plural, "kind": kind, "singular": kind.lower()}
            version = {"name": VERSION, "served": True, "storage": True, "schema": {"openAPIV3Schema": ANYTHING}}
            spec = {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]}
            extensions.create_custom_resource_definition(
                {"metadata": {"name": f"{plural}.{GROUP}"}, "spec": spec}, _preload_content=False
            )

    def create(self, plural: str, kind: str, name: str, **parts: Any) -> None:
        document = {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": {"name": name}, **parts}
        self.custom.create_namespaced_custom_object(GROUP, VERSION, NAMESPACE, plural, document)

    def disks(self) -> dict[str, Any]:
        document = self.custom.get_namespaced_custom_object(GROUP, VERSION, NAMESPACE, "nodes", "k3s1")
        disks: dict[str, Any] = document["spec"]["disks"]
        return disks


@pytest.fixture
def longhorn(node: Any) -> Longhorn:
    return Longhorn(node)


def test_disks_are_announced_before_longhorn_is_there(call: Call, node: Any) -> None:
    rehearsal = call(_ansible_check_mode=True)
    assert rehearsal["changed"]
    assert LABEL not in node.read_node("k3s1").metadata.labels
    done = call()
    assert (done["actions"], done["installed"], done["notices"]) == (rehearsal["actions"], False, [])
    metadata = node.read_node("k3s1").metadata
    assert metadata.labels == {"bgp": "enabled", LABEL: "config"}
    assert json.loads(metadata.annotations[ANNOTATION]) == [
        {"name": "ssd-1", "path": "/mnt/ssd-1", "allowScheduling": True, "storageReserved": 7, "tags": ["ssd"]}
    ]
    assert not call()["changed"]


def test_a_node_that_longhorn_has_seen_is_patched(call: Call, longhorn: Longhorn) -> None:
    root = {"path": "/var/lib/longhorn", "allowScheduling": False, "evictionRequested": True, "tags": []}
    status = {"diskStatus": {"root": {"diskUUID": "u-1", "scheduledReplica": {}}}}
    longhorn.create("nodes", "Node", "k3s1", spec={"disks": {"root": root}}, status=status)
    longhorn.create("replicas", "Replica", "broken", spec={"diskID": "u-1", "nodeID": "k3s1"})
    longhorn.create("settings", "Setting", "create-default-disk-labeled-nodes", value="false")
    first = call()
    assert [action["kind"] for action in first["actions"]] == ["label_node", "patch_disks"]
    assert sorted(longhorn.disks()) == ["root", "ssd-1"]
    # a replica that Longhorn does not count any more is one all the same
    assert "is kept, since it has 1 replicas" in first["kept"][0]
    assert ["setting" in first["notices"][0], "kubelet of k3s1" in first["notices"][1]] == [True, True]
    assert not call()["changed"]
    longhorn.custom.delete_namespaced_custom_object(GROUP, VERSION, NAMESPACE, "replicas", "broken")
    assert call()["actions"][0]["sentence"] == "k3s1: remove the evicted disk root"
    assert sorted(longhorn.disks()) == ["ssd-1"]


def test_two_writers_at_once(call: Call, longhorn: Longhorn, monkeypatch: pytest.MonkeyPatch) -> None:
    longhorn.create("nodes", "Node", "k3s1", spec={"disks": {}})
    longhorn.create("settings", "Setting", "create-default-disk-labeled-nodes", value="true")
    monkeypatch.setattr(longhorn_disks, "POLL_SECONDS", 0)
    real, others = longhorn_disks.Cluster.merge, ["tag"]

    def merge(self: Any, path: str, body: Any) -> None:
        if path.startswith("/apis/") and others:
            patch = {"spec": {"tags": [others.pop()]}}
            longhorn.custom.patch_namespaced_custom_object(GROUP, VERSION, NAMESPACE, "nodes", "k3s1", patch)
        real(self, path, body)

    monkeypatch.setattr(longhorn_disks.Cluster, "merge", merge)
    assert call()["changed"]
    assert (sorted(longhorn.disks()), others) == (["ssd-1"], [])


def test_a_directory_of_another_storage_system_stops_everything(call: Call, node: Any) -> None:
    volume = {
        "metadata": {"name": "pv-ssd"},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "local": {"path": "/mnt/ssd-1/k8s-pv"},
            "nodeAffinity": {
                "required": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["k3s1"]}]}
                    ]
                }
            },
        },
    }
    node.create_persistent_volume(volume, _preload_content=False)
    assert "holds the volume pv-ssd (at /mnt/ssd-1/k8s-pv) of another storage system" in call()["msg"]
    assert LABEL not in node.read_node("k3s1").metadata.labels


@pytest.mark.usefixtures("core")
def test_a_node_that_never_registered(call: Call) -> None:
    assert call()["msg"].endswith("k3s1 is no node of the cluster; build it first (playbooks/cluster.yml)")
    assert call(_ansible_check_mode=True)["actions"][0]["sentence"].startswith("k3s1: register, then announce ssd-1")


def test_a_rehearsal_before_there_is_a_cluster(call: Call, tmp_path: Path) -> None:
    result = call(kubeconfig=str(tmp_path / "none"), _ansible_check_mode=True)
    assert (result["changed"], result["installed"]) == (True, False)
