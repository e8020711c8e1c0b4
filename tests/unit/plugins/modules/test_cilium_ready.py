# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cilium_ready through the official client, against the API server of the lab and the double of Cilium's operator."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import kubernetes
import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import cilium_ready
from lab.k3s_standin.controllers.cilium import definition

Call = Callable[..., dict[str, Any]]
NODE_CONFIGS = "ciliumbgpnodeconfigs"


@pytest.fixture
def call(kubeconfig_of: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> Call:
    def run(**more: Any) -> dict[str, Any]:
        arguments = {"kubeconfig": kubeconfig_of("admin"), "timeout": 0, "workloads": False}
        with patch_module_args(arguments | more), pytest.raises(SystemExit):
            cilium_ready.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


def define(core: Any, kind: str) -> Any:
    extensions = kubernetes.client.ApiextensionsV1Api(core.api_client)
    extensions.create_custom_resource_definition(definition(kind, ("v2alpha1",)), _preload_content=False)
    return kubernetes.client.CustomObjectsApi(core.api_client)


def test_everything_that_is_missing_is_told_at_once(call: Call) -> None:
    gateway = {"namespace": "networking", "name": "main", "address": "192.0.2.224"}
    answer = call(nodes=["k3s1"], gateway=gateway, workloads=True, definitions=["ciliumbgpnodeconfigs.cilium.io"])
    assert answer["failed"] is True
    assert [said[:46] for said in answer["missing"]] == [
        "the operator has not defined ciliumbgpnodeconf",
        "DaemonSet cilium has 0 of 0 pods ready",
        "Deployment cilium-operator has 0 of 1 pods rea",
        "the node k3s1 is not Ready (no condition repor",
        "GatewayClass cilium is not Accepted (no condit",
    ]
    assert answer["msg"].startswith("after 0 s Cilium is not up: the operator has not defined")


def test_definitions_alone(call: Call, core: Any) -> None:
    define(core, "CiliumBGPNodeConfig")
    assert call(definitions=["ciliumbgpnodeconfigs.cilium.io"])["notices"] == []


def test_sessions_are_waited_for_where_a_router_answers(call: Call, core: Any) -> None:
    custom = define(core, "CiliumBGPNodeConfig")
    item = {"apiVersion": "cilium.io/v2alpha1", "kind": "CiliumBGPNodeConfig", "metadata": {"name": "k3s1"}}
    custom.create_cluster_custom_object("cilium.io", "v2alpha1", NODE_CONFIGS, item)
    with socket.create_server(("127.0.0.1", 0)) as router:
        bgp = {"nodes": ["k3s1"], "router": "127.0.0.1", "port": router.getsockname()[1], "version": "v2alpha1"}
        answer = call(bgp=bgp)
        assert answer["missing"] == ["the BGP session of k3s1 is not reported, expected established"]
        status = {"status": {"bgpInstances": [{"name": "x", "peers": [{"peeringState": "established"}]}]}}
        custom.patch_cluster_custom_object_status("cilium.io", "v2alpha1", NODE_CONFIGS, "k3s1", status)
        assert call(bgp=bgp)["sessions"] == {"k3s1": "established"}
        # a Cilium that tells nothing is looked at on the nodes
        told = call(bgp=bgp | {"version": ""})
        assert (told["notices"], told["router_answers"]) == ([], True)
    silent = call(bgp=bgp)["notices"]
    assert silent == [
        f"nothing answers at 127.0.0.1 port {bgp['port']}, so no BGP session was waited for; see docs/router.md"
    ]


def test_a_quarrel_of_pools_ends_the_wait(call: Call, core: Any) -> None:
    custom = define(core, "CiliumLoadBalancerIPPool")
    item = {"apiVersion": "cilium.io/v2alpha1", "kind": "CiliumLoadBalancerIPPool", "metadata": {"name": "homelab"}}
    custom.create_cluster_custom_object("cilium.io", "v2alpha1", "ciliumloadbalancerippools", item)
    conditions = [{"type": "cilium.io/PoolConflict", "status": "True", "message": "overlaps with old"}]
    status = {"status": {"conditions": conditions}}
    custom.patch_cluster_custom_object_status("cilium.io", "v2alpha1", "ciliumloadbalancerippools", "homelab", status)
    answer = call(nodes=["k3s1"], timeout=300)
    assert "CiliumLoadBalancerIPPool homelab hands out nothing" in answer["msg"]
