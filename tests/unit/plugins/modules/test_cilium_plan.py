# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cilium_plan through the official client, against the API server of the lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import kubernetes
import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import cilium_plan
from lab.k3s_standin.controllers.cilium import definition
from lab.network_releases import SERVED
from lab.network_releases import definition as gateway_definition
from tests.unit.plugins.module_utils._cilium.cilium_samples import helm_secret

Call = Callable[..., dict[str, Any]]
OPTIONS = {
    "version": "1.15.6",
    "gateway_api": "v1.1.0",
    "pod_cidr": "10.42.0.0/16",
    "nodes": 1,
    "pool": ["192.0.2.224/28"],
    "l2_interfaces": ["eno1", "eno1"],
    "bgp": {"local_asn": 64512, "peer_asn": 64513, "peer_address": "192.0.2.1"},
    "gateway": {"namespace": "networking", "name": "main", "address": "192.0.2.224", "domain": "example.net"},
}


@pytest.fixture
def call(kubeconfig_of: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> Call:
    def run(token: str = "admin", **more: Any) -> dict[str, Any]:
        arguments = {"kubeconfig": kubeconfig_of(token)} | OPTIONS | more
        with patch_module_args(arguments), pytest.raises(SystemExit):
            cilium_plan.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


def create(core: Any, path: str, document: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"}
    api = core.api_client
    request = api.param_serialize("POST", path, header_params=headers, body=document, auth_settings=["BearerToken"])
    answer = api.call_api(*request)
    assert answer.status == 201, answer.read()


def test_an_empty_cluster(call: Call) -> None:
    answer = call()
    assert answer["changed"] is False
    kinds = [action["kind"] for action in answer["actions"]]
    assert kinds == ["define"] * 6 + ["release"] + ["apply"] * 5
    assert (answer["release"], answer["forget"], answer["owner"]) == (True, [], "ansible")
    assert len(answer["chart_sha256"]) == 64
    assert answer["definitions"][0]["path"] == (
        "v1.1.0/config/crd/experimental/gateway.networking.k8s.io_gatewayclasses.yaml"
    )
    assert answer["values"]["operator"]["replicas"] == 1
    assert answer["needs"] == [
        "ciliumloadbalancerippools.cilium.io",
        "ciliuml2announcementpolicies.cilium.io",
        "ciliumbgppeeringpolicies.cilium.io",
    ]
    assert answer["diff"]["before"]["cilium"] is None
    assert answer["diff"]["after"]["cilium"]["version"] == "1.15.6"


def test_check_mode_reports_what_the_role_would_change(call: Call) -> None:
    assert call(_ansible_check_mode=True)["changed"] is True
    missing = call(_ansible_check_mode=True, kubeconfig="/nonexistent/kubeconfig")
    assert missing["changed"] is True
    assert missing["actions"][6]["sentence"] == "install cilium 1.15.6 in kube-system"


def test_what_the_cluster_has_is_not_done_again(call: Call, core: Any) -> None:
    first = call()
    create(core, "/api/v1/namespaces/kube-system/secrets", helm_secret(1, "deployed", "1.15.6", first["values"]))
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for kind, served in SERVED["v1.1.0"].items():
        create(core, crds, gateway_definition("v1.1.0", kind, served))
    for kind in ("CiliumLoadBalancerIPPool", "CiliumL2AnnouncementPolicy", "CiliumBGPPeeringPolicy"):
        create(core, crds, definition(kind, ("v2alpha1",)))
    custom = kubernetes.client.CustomObjectsApi(core.api_client)
    for item in first["objects"]:
        group, _, version = item["apiVersion"].rpartition("/")
        if item["kind"] == "Namespace":
            core.create_namespace(item, _preload_content=False)
        elif item["kind"] == "Gateway":
            custom.create_namespaced_custom_object(group, version, "networking", "gateways", item)
        else:
            custom.create_cluster_custom_object(group, version, f"{item['kind'].lower()}s".replace("ys", "ies"), item)
    core.create_node({"metadata": {"name": "k3s1", "labels": {"bgp": "enabled"}}}, _preload_content=False)
    again = call()
    assert again["actions"] == []
    assert again["notices"] == []
    assert call(_ansible_check_mode=True)["changed"] is False
    step = call(version="1.16.19")
    assert [action["kind"] for action in step["actions"]] == ["release", "apply", "apply", "apply", "apply", "remove"]
    assert [(item["apiVersion"], item["kind"]) for item in step["remove"]] == [
        ("cilium.io/v2alpha1", "CiliumBGPPeeringPolicy")
    ]
    jump = call(version="1.18.12", gateway_api="v1.3.0")
    assert jump["failed"] is True
    assert jump["msg"].startswith("Cilium is left as it is, since Cilium 1.15.6 runs and 1.18.12 is wanted")


def test_a_secret_that_holds_no_release_is_one_sentence(call: Call, core: Any) -> None:
    broken = helm_secret(1, "deployed", "1.15.6", {}) | {"data": {"release": "eA=="}}
    create(core, "/api/v1/namespaces/kube-system/secrets", broken)
    assert "the Secret sh.helm.release.v1.cilium.v1 holds no release of Helm" in call()["msg"]


def test_a_user_without_rights_is_told_so(call: Call) -> None:
    assert "the API does not let the kubeconfig's user do this" in call("visitor")["msg"]
