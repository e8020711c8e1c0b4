# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The double of Cilium's operator says what upstream's would: by version, and once at its start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.operations import Operations
from lab.k3s_standin.api.seed import seed
from lab.k3s_standin.api.store import ObjectStore
from lab.k3s_standin.controllers.cilium import CiliumOperator, served
from lab.k3s_standin.controllers.cilium_addresses import choose, overlap, ranges
from lab.network_releases import SERVED, definition

GATEWAYS, CLASSES = "gateways.gateway.networking.k8s.io", "gatewayclasses.gateway.networking.k8s.io"
POOLS = "ciliumloadbalancerippools.cilium.io"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    store = ObjectStore(str(tmp_path / "db"))
    operations = Operations(store)
    made = Client(operations)
    seed(made, operations)
    yield made
    store.close()


def run_operator(client: Client, version: str, **annotations: str) -> None:
    metadata = {"name": "cilium-operator", "namespace": "kube-system"}
    labels = {"io.cilium/app": "operator"}
    container = {"name": "operator", "image": f"quay.io/cilium/operator-generic:v{version}"}
    template = {"metadata": {"labels": labels, "annotations": annotations}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    client.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    client.patch(
        "deployments.apps", "cilium-operator", {"status": {"readyReplicas": 1}}, "kube-system", subresource="status"
    )


def define_gateway_api(client: Client, version: str, *without: str) -> None:
    for kind, versions in SERVED[version].items():
        if kind not in without:
            client.apply(definition(version, kind, versions))


def make_class(client: Client) -> None:
    spec = {"controllerName": "io.cilium/gateway-controller"}
    header = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass"}
    client.apply({**header, "metadata": {"name": "cilium"}, "spec": spec})


def accepted(client: Client) -> bool:
    return bool(client.get(CLASSES, "cilium").get("status"))


def make_gateway(client: Client, key: str, address: str) -> None:
    listeners = [
        {"name": "http", "port": 80, "protocol": "HTTP"},
        {"name": "https", "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "tls"}]}},
    ]
    spec = {"gatewayClassName": "cilium", "infrastructure": {"annotations": {key: address}}, "listeners": listeners}
    header = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway"}
    client.apply({**header, "metadata": {"name": "main", "namespace": "default"}, "spec": spec})


def make_pool(client: Client, name: str, cidr: str, **spec: Any) -> None:
    header = {"apiVersion": "cilium.io/v2alpha1", "kind": "CiliumLoadBalancerIPPool"}
    client.apply({**header, "metadata": {"name": name}, "spec": {"blocks": [{"cidr": cidr}], **spec}})


def test_nothing_happens_before_the_operator_runs(client: Client) -> None:
    CiliumOperator(client).sync()
    assert client.find("customresourcedefinitions.apiextensions.k8s.io", POOLS) is None


def test_kinds_follow_the_version() -> None:
    assert served("CiliumBGPPeeringPolicy", (1, 15)) == ("v2alpha1",)
    assert served("CiliumBGPPeeringPolicy", (1, 19)) == ()
    assert served("CiliumBGPClusterConfig", (1, 15)) == ()
    assert served("CiliumLoadBalancerIPPool", (1, 19)) == ("v2", "v2alpha1")
    assert served("CiliumLoadBalancerIPPool", (1, 20)) == ("v2",)


def test_definitions_that_come_later_are_not_seen_until_a_restart(client: Client) -> None:
    define_gateway_api(client, "v1.1.0", "tlsroutes")
    make_class(client)
    run_operator(client, "1.15.6")
    operator = CiliumOperator(client)
    operator.sync()
    define_gateway_api(client, "v1.1.0")
    operator.sync()
    assert not accepted(client)
    run_operator(client, "1.15.6", restarted="now")
    operator.sync()
    assert accepted(client)


def test_first_address_of_a_network_is_kept_back_by_1_15_unless_told_otherwise(client: Client) -> None:
    define_gateway_api(client, "v1.1.0")
    make_class(client)
    run_operator(client, "1.15.6")
    operator = CiliumOperator(client)
    operator.sync()
    make_pool(client, "homelab", "192.0.2.224/28")
    make_gateway(client, "io.cilium/lb-ipam-ips", "192.0.2.224")
    operator.sync()
    status = client.get(GATEWAYS, "main", "default")["status"]
    assert (status["addresses"], status["conditions"][1]["status"]) == ([], "False")
    make_pool(client, "homelab", "192.0.2.224/28", allowFirstLastIPs="Yes")
    operator.sync()
    status = client.get(GATEWAYS, "main", "default")["status"]
    assert status["addresses"] == [{"type": "IPAddress", "value": "192.0.2.224"}]
    states = {item["name"]: item["conditions"][0]["status"] for item in status["listeners"]}
    assert states == {"http": "True", "https": "False"}


def test_overlapping_pools_conflict(client: Client) -> None:
    run_operator(client, "1.17.18")
    operator = CiliumOperator(client)
    operator.sync()
    make_pool(client, "a", "192.0.2.224/28")
    make_pool(client, "b", "192.0.2.224/27")
    operator.sync()
    states = [client.get(POOLS, name)["status"]["conditions"][0]["status"] for name in ("a", "b")]
    assert states == ["False", "True"]


def test_sessions_are_told_from_1_16_on_and_never_established(client: Client) -> None:
    client.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "k3s1", "labels": {"bgp": "enabled"}}})
    client.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "k3s2"}})
    run_operator(client, "1.16.19")
    operator = CiliumOperator(client)
    operator.sync()
    peers = [{"name": "router", "peerAddress": "192.0.2.1"}]
    spec = {"nodeSelector": {"matchLabels": {"bgp": "enabled"}}, "bgpInstances": [{"name": "x", "peers": peers}]}
    header = {"apiVersion": "cilium.io/v2alpha1", "kind": "CiliumBGPClusterConfig"}
    client.apply({**header, "metadata": {"name": "homelab"}, "spec": spec})
    operator.sync()
    (config,) = client.list("ciliumbgpnodeconfigs.cilium.io")
    assert config["metadata"]["name"] == "k3s1"
    assert config["status"]["bgpInstances"][0]["peers"][0]["peeringState"] == "active"


def test_addresses() -> None:
    pool = {"spec": {"blocks": [{"cidr": "192.0.2.224/31"}, {"start": "192.0.2.9", "stop": "192.0.2.11"}]}}
    assert choose([pool], "192.0.2.224", first_and_last=False) == "192.0.2.224"
    assert choose([pool], "192.0.2.11", first_and_last=False) == "192.0.2.11"
    assert choose([pool], "192.0.2.12", first_and_last=False) == ""
    assert choose([pool], "", first_and_last=False) == "192.0.2.224"
    assert choose([], "", first_and_last=False) == ""
    assert overlap(ranges(pool), [(0, 2**32)])
