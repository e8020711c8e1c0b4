# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects in the API that each version speaks."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.objects import (
    PLURALS,
    definitions_of,
    name_of,
    objects_for,
    path_of,
)

from .cilium_samples import VERSIONS, WISH, wish


def by_kind(version: str, **more: Any) -> dict[str, dict[str, Any]]:
    return {item["kind"]: item for item in objects_for(wish(version, **more))}


APIS = [
    ("1.15.6", {"CiliumLoadBalancerIPPool": "v2alpha1", "CiliumBGPPeeringPolicy": "v2alpha1"}),
    ("1.16.19", {"CiliumLoadBalancerIPPool": "v2alpha1", "CiliumBGPClusterConfig": "v2alpha1"}),
    ("1.17.18", {"CiliumLoadBalancerIPPool": "v2alpha1", "CiliumBGPPeerConfig": "v2alpha1"}),
    ("1.18.12", {"CiliumLoadBalancerIPPool": "v2", "CiliumBGPAdvertisement": "v2"}),
    ("1.19.6", {"CiliumLoadBalancerIPPool": "v2", "CiliumBGPClusterConfig": "v2"}),
    ("1.20.0", {"CiliumLoadBalancerIPPool": "v2", "CiliumBGPClusterConfig": "v2"}),
]


@pytest.mark.parametrize(("version", "expected"), APIS)
def test_each_version_gets_the_api_it_speaks(version: str, expected: dict[str, str]) -> None:
    found = by_kind(version)
    assert {kind: found[kind]["apiVersion"] for kind in expected} == {
        kind: f"cilium.io/{api}" for kind, api in expected.items()
    }
    # never both: the old policy wins where both select a node
    assert ("CiliumBGPPeeringPolicy" in found) != ("CiliumBGPClusterConfig" in found)
    assert found["CiliumL2AnnouncementPolicy"]["apiVersion"] == "cilium.io/v2alpha1"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_first_address_of_the_pool_can_be_had_on_every_version(version: str) -> None:
    spec = by_kind(version)["CiliumLoadBalancerIPPool"]["spec"]
    assert spec == {"blocks": [{"cidr": "192.168.10.224/28"}], "allowFirstLastIPs": "Yes"}


def test_a_pool_may_be_a_range() -> None:
    spec = by_kind("1.15.6", pool=("192.168.10.224-192.168.10.230",))["CiliumLoadBalancerIPPool"]["spec"]
    assert spec["blocks"] == [{"start": "192.168.10.224", "stop": "192.168.10.230"}]


def test_the_policy_of_1_15_names_the_router() -> None:
    spec = by_kind("1.15.6")["CiliumBGPPeeringPolicy"]["spec"]
    assert spec["nodeSelector"] == {"matchLabels": {"bgp": "enabled"}}
    (router,) = spec["virtualRouters"]
    assert (router["localASN"], router["exportPodCIDR"]) == (64512, False)
    assert [(peer["peerAddress"], peer["peerASN"]) for peer in router["neighbors"]] == [("192.168.10.1/32", 64513)]
    assert router["neighbors"][0]["holdTimeSeconds"] == 30
    # without a selector no service would be announced
    assert router["serviceSelector"]["matchExpressions"][0]["operator"] == "NotIn"


def test_the_objects_of_1_16_find_each_other() -> None:
    found = by_kind("1.16.19")
    (instance,) = found["CiliumBGPClusterConfig"]["spec"]["bgpInstances"]
    (peer,) = instance["peers"]
    assert (instance["localASN"], peer["peerASN"], peer["peerAddress"]) == (64512, 64513, "192.168.10.1")
    config, advertisement = found["CiliumBGPPeerConfig"], found["CiliumBGPAdvertisement"]
    assert peer["peerConfigRef"] == {"name": config["metadata"]["name"]}
    (family,) = config["spec"]["families"]
    assert config["spec"]["timers"]["holdTimeSeconds"] == 30
    assert family["advertisements"]["matchLabels"].items() <= advertisement["metadata"]["labels"].items()
    (services,) = advertisement["spec"]["advertisements"]
    assert (services["advertisementType"], services["service"]) == ("Service", {"addresses": ["LoadBalancerIP"]})


def test_networks_of_pods_are_announced_when_that_is_said() -> None:
    assert WISH.bgp is not None
    bgp = type(WISH.bgp)(64512, 64513, "192.168.10.1", ("bgp", "enabled"), True)
    assert by_kind("1.15.6", bgp=bgp)["CiliumBGPPeeringPolicy"]["spec"]["virtualRouters"][0]["exportPodCIDR"] is True
    entries = by_kind("1.17.18", bgp=bgp)["CiliumBGPAdvertisement"]["spec"]["advertisements"]
    assert [entry["advertisementType"] for entry in entries] == ["Service", "PodCIDR"]


def test_interfaces_are_named_whole() -> None:
    spec = by_kind("1.15.6", l2_interfaces=("eno1", "br.10"))["CiliumL2AnnouncementPolicy"]["spec"]
    assert spec["interfaces"] == ["^eno1$", "^br\\.10$"]


@pytest.mark.parametrize(("version", "key"), [("1.15.6", "io.cilium/lb-ipam-ips"), ("1.16.19", "lbipam.cilium.io/ips")])
def test_the_gateway_has_its_address_and_sends_http_to_https(version: str, key: str) -> None:
    found = by_kind(version)
    gateway = found["Gateway"]["spec"]
    assert gateway["infrastructure"] == {"annotations": {key: "192.168.10.224"}}
    http, https = gateway["listeners"]
    assert (http["port"], http["allowedRoutes"]["namespaces"]["from"]) == (80, "Same")
    assert (https["port"], https["tls"]["certificateRefs"][0]["name"]) == (443, "wildcard-tls")
    route = found["HTTPRoute"]["spec"]
    assert route["parentRefs"] == [{"name": "main-gateway", "sectionName": "http"}]
    assert route["hostnames"] == ["example.net", "*.example.net"]
    (entry,) = route["rules"][0]["filters"]
    assert entry["requestRedirect"] == {"scheme": "https", "statusCode": 301}


def test_without_a_certificate_there_is_nothing_to_redirect_to() -> None:
    assert WISH.gateway is not None
    gateway = type(WISH.gateway)("networking", "main-gateway", "192.168.10.224", "example.net")
    found = by_kind("1.15.6", gateway=gateway)
    assert "HTTPRoute" not in found
    assert [item["name"] for item in found["Gateway"]["spec"]["listeners"]] == ["http"]


def test_nothing_wanted_is_nothing_made() -> None:
    assert objects_for(wish("1.15.6", pool=(), bgp=None, l2_interfaces=(), gateway=None)) == []


def test_names_and_places() -> None:
    objects = objects_for(WISH)
    assert [name_of(item) for item in objects] == [
        "CiliumLoadBalancerIPPool homelab",
        "CiliumL2AnnouncementPolicy homelab",
        "CiliumBGPPeeringPolicy homelab",
        "Namespace networking",
        "Gateway networking/main-gateway",
        "HTTPRoute networking/http-to-https",
    ]
    assert path_of(objects[0]) == "/apis/cilium.io/v2alpha1/ciliumloadbalancerippools/homelab"
    assert path_of(objects[3]) == "/api/v1/namespaces/networking"
    assert path_of(objects[4]) == "/apis/gateway.networking.k8s.io/v1/namespaces/networking/gateways/main-gateway"
    assert definitions_of(objects) == [f"{PLURALS[item['kind']]}.cilium.io" for item in objects[:3]]
