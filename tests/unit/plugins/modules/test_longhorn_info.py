# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""longhorn_info through the official client, against the API server of the lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import kubernetes
import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import longhorn_info

Call = Callable[..., dict[str, Any]]
GROUP, VERSION, NAMESPACE = "longhorn.io", "v1beta2", "longhorn-system"
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@pytest.fixture
def call(kubeconfig_of: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> Call:
    def run(**more: Any) -> dict[str, Any]:
        with (
            patch_module_args({"kubeconfig": kubeconfig_of("admin"), "node": "k3s1"} | more),
            pytest.raises(SystemExit),
        ):
            longhorn_info.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


@pytest.fixture
def longhorn(core: Any) -> Any:
    """The kinds of Longhorn, and one replica on k3s1's root disk."""
    core.create_namespace({"metadata": {"name": NAMESPACE}}, _preload_content=False)
    extensions = kubernetes.client.ApiextensionsV1Api(core.api_client)
    for plural, kind in (("nodes", "Node"), ("replicas", "Replica")):
        names = {"plural": plural, "kind": kind, "singular": kind.lower()}
        version = {"name": VERSION, "served": True, "storage": True, "schema": {"openAPIV3Schema": ANYTHING}}
        spec = {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]}
        extensions.create_custom_resource_definition(
            {"metadata": {"name": f"{plural}.{GROUP}"}, "spec": spec}, _preload_content=False
        )
    custom = kubernetes.client.CustomObjectsApi(core.api_client)
    spec = {
        "volumeName": "pvc-1",
        "nodeID": "k3s1",
        "diskPath": "/var/lib/longhorn",
        "healthyAt": "2025-06-01T00:00:00Z",
    }
    replica = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Replica", "metadata": {"name": "r"}, "spec": spec}
    custom.create_namespaced_custom_object(GROUP, VERSION, NAMESPACE, "replicas", replica)
    return custom


@pytest.mark.usefixtures("core")
def test_a_cluster_without_longhorn_has_nothing_to_lose(call: Call) -> None:
    result = call()
    assert (result["changed"], result["installed"], result["lost"], result["away"]) == (False, False, [], [])


@pytest.mark.usefixtures("longhorn")
def test_the_last_healthy_replica_is_refused_unless_accepted_by_name(call: Call) -> None:
    assert call()["msg"].startswith("the last healthy replica of pvc-1 lies on k3s1 and would be lost")
    assert "accept the loss by name: accept_lost_volumes=pvc-1" in call(accepted=["pvc-2"])["msg"]
    assert call(accepted=["pvc-1"])["lost"] == ["pvc-1"]
    assert call(kept_paths=["/var/lib/longhorn"])["away"] == ["pvc-1"]
    assert call(node="k3s2")["lost"] == []


def test_an_api_that_does_not_answer(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: Any) -> None:
        raise longhorn_info.Unreachable("the API did not answer: refused")

    monkeypatch.setattr(longhorn_info.Cluster, "request", silent)
    assert "what would be lost with k3s1 is not known" in call()["msg"]
    assert call(if_unreachable="skip")["installed"] is None
