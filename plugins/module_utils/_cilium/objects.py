# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the objects beside the chart, in the API that the version speaks; pure."""

from __future__ import annotations

import re
from typing import Any

from .model import OWN, Bgp, Gateway, Wish

GROUP = "cilium.io"
GATEWAY_GROUP = "gateway.networking.k8s.io"
PEERING_POLICY = "CiliumBGPPeeringPolicy"
PLURALS = {
    "CiliumLoadBalancerIPPool": "ciliumloadbalancerippools",
    "CiliumL2AnnouncementPolicy": "ciliuml2announcementpolicies",
    "CiliumBGPPeeringPolicy": "ciliumbgppeeringpolicies",
    "CiliumBGPClusterConfig": "ciliumbgpclusterconfigs",
    "CiliumBGPPeerConfig": "ciliumbgppeerconfigs",
    "CiliumBGPAdvertisement": "ciliumbgpadvertisements",
    "Gateway": "gateways",
    "HTTPRoute": "httproutes",
    "Namespace": "namespaces",
}
# No service has this label, so "not in" means all of them: upstream's own idiom.
ALL_SERVICES = {"matchExpressions": [{"key": "homelab.fletcherlabs.net/bgp", "operator": "NotIn", "values": ["never"]}]}
ADVERTISE = {"homelab.fletcherlabs.net/advertise": "bgp"}

# Long enough for an agent that restarts; a node that died is sent traffic for as long, after the hold time.
GRACEFUL = {"enabled": True, "restartTimeSeconds": 60}
# As the router's file has them; upstream's two minutes between two attempts are long after a router's reboot.
TIMERS = {"connectRetryTimeSeconds": 10, "holdTimeSeconds": 30, "keepAliveTimeSeconds": 10}

Object = dict[str, Any]


def objects_for(wish: Wish) -> list[Object]:
    """All of them, in the order in which they are applied."""
    objects: list[Object] = []
    if wish.pool:
        objects.append(_pool(wish))
    if wish.l2_interfaces:
        objects.append(_l2(wish))
    if wish.bgp:
        objects += _bgp_v2(wish, wish.bgp) if wish.since("1.16") else [_bgp_v1(wish.bgp)]
    if wish.gateway:
        objects += _gateway(wish, wish.gateway)
    return objects


def definitions_of(objects: list[Object]) -> list[str]:
    """Names of Cilium's own definitions that the objects need; its operator makes them when it starts."""
    kinds = [item["kind"] for item in objects if item["apiVersion"].startswith(f"{GROUP}/")]
    return [f"{PLURALS[kind]}.{GROUP}" for kind in dict.fromkeys(kinds)]


def path_of(item: Object) -> str:
    """Where the API has an object."""
    api, metadata = item["apiVersion"], item["metadata"]
    base = f"/apis/{api}" if "/" in api else f"/api/{api}"
    namespace = f"/namespaces/{metadata['namespace']}" if metadata.get("namespace") else ""
    return f"{base}{namespace}/{PLURALS[item['kind']]}/{metadata['name']}"


def name_of(item: Object) -> str:
    """How sentences name an object."""
    namespace = item["metadata"].get("namespace")
    return f"{item['kind']} {namespace + '/' if namespace else ''}{item['metadata']['name']}"


def _pool(wish: Wish) -> Object:
    blocks = []
    for entry in wish.pool:
        start, dash, stop = entry.partition("-")
        blocks.append({"start": start.strip(), "stop": stop.strip()} if dash else {"cidr": entry})
    # 1.15 keeps the first and the last address of a network back unless told otherwise
    spec = {"blocks": blocks, "allowFirstLastIPs": "Yes"}
    version = "v2" if wish.since("1.18") else "v2alpha1"
    return _object(f"{GROUP}/{version}", "CiliumLoadBalancerIPPool", OWN, spec)


def _l2(wish: Wish) -> Object:
    interfaces = [f"^{re.escape(name)}$" for name in wish.l2_interfaces]
    spec = {"interfaces": interfaces, "externalIPs": True, "loadBalancerIPs": True}
    return _object(f"{GROUP}/v2alpha1", "CiliumL2AnnouncementPolicy", OWN, spec)


def _bgp_v1(bgp: Bgp) -> Object:
    neighbor = {
        "peerAddress": f"{bgp.peer_address}/32",
        "peerASN": bgp.peer_asn,
        "gracefulRestart": dict(GRACEFUL),
        **TIMERS,
    }
    router = {
        "localASN": bgp.local_asn,
        "exportPodCIDR": bgp.pods,
        "serviceSelector": ALL_SERVICES,
        "neighbors": [neighbor],
    }
    spec = {"nodeSelector": _labelled(bgp), "virtualRouters": [router]}
    return _object(f"{GROUP}/v2alpha1", PEERING_POLICY, OWN, spec)


def _bgp_v2(wish: Wish, bgp: Bgp) -> list[Object]:
    version = f"{GROUP}/v2" if wish.since("1.18") else f"{GROUP}/v2alpha1"
    peer = {
        "name": "router",
        "peerASN": bgp.peer_asn,
        "peerAddress": bgp.peer_address,
        "peerConfigRef": {"name": OWN},
    }
    instance = {"name": OWN, "localASN": bgp.local_asn, "peers": [peer]}
    family = {"afi": "ipv4", "safi": "unicast", "advertisements": {"matchLabels": dict(ADVERTISE)}}
    services = {
        "advertisementType": "Service",
        "service": {"addresses": ["LoadBalancerIP"]},
        "selector": ALL_SERVICES,
    }
    advertisements = [services, *([{"advertisementType": "PodCIDR"}] if bgp.pods else [])]
    peer_spec = {"gracefulRestart": dict(GRACEFUL), "timers": dict(TIMERS), "families": [family]}
    advertisement = _object(version, "CiliumBGPAdvertisement", OWN, {"advertisements": advertisements})
    advertisement["metadata"]["labels"] = dict(ADVERTISE)
    cluster_spec = {"nodeSelector": _labelled(bgp), "bgpInstances": [instance]}
    return [
        advertisement,
        _object(version, "CiliumBGPPeerConfig", OWN, peer_spec),
        _object(version, "CiliumBGPClusterConfig", OWN, cluster_spec),
    ]


def _labelled(bgp: Bgp) -> Object:
    return {"matchLabels": {bgp.label[0]: bgp.label[1]}}


def _gateway(wish: Wish, gateway: Gateway) -> list[Object]:
    key = "lbipam.cilium.io/ips" if wish.since("1.16") else "io.cilium/lb-ipam-ips"
    http = {"name": "http", "protocol": "HTTP", "port": 80, "allowedRoutes": {"namespaces": {"from": "Same"}}}
    listeners: list[Object] = [http]
    if gateway.tls_secret:
        tls = {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": gateway.tls_secret}]}
        routes = {"namespaces": {"from": "All"}}
        listeners.append({"name": "https", "protocol": "HTTPS", "port": 443, "tls": tls, "allowedRoutes": routes})
    spec = {
        "gatewayClassName": "cilium",
        "infrastructure": {"annotations": {key: gateway.address}},
        "listeners": listeners,
    }
    version = f"{GATEWAY_GROUP}/v1"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": gateway.namespace}}
    objects = [namespace, _object(version, "Gateway", gateway.name, spec, gateway.namespace)]
    return [*objects, _redirect(gateway)] if gateway.tls_secret else objects


def _redirect(gateway: Gateway) -> Object:
    redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
    spec = {
        "parentRefs": [{"name": gateway.name, "sectionName": "http"}],
        "hostnames": [gateway.domain, f"*.{gateway.domain}"],
        "rules": [{"filters": [redirect]}],
    }
    return _object(f"{GATEWAY_GROUP}/v1", "HTTPRoute", "http-to-https", spec, gateway.namespace)


def _object(version: str, kind: str, name: str, spec: Object, namespace: str = "") -> Object:
    metadata: Object = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
