# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the values of Cilium's chart, one document that Flux can take over as it is; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .model import GATEWAY_ANNOTATION, Wish

# The renewal of L2 leases is traffic to the API, for which the agents' limit of 10 requests a second is too low.
RATE_LIMIT = {"qps": 20, "burst": 40}


def values_for(wish: Wish) -> dict[str, Any]:
    """Only what differs from the chart's defaults: CNI paths, for instance, are K3s' own when Flannel is off."""
    values: dict[str, Any] = {
        "k8sServiceHost": wish.api_host,
        "k8sServicePort": wish.api_port,
        # a text: a chart of every version takes it, and its schema from 1.16 on
        "kubeProxyReplacement": "true",
        "routingMode": "tunnel",
        "tunnelProtocol": "vxlan",
        "ipam": {"mode": "cluster-pool", "operator": {"clusterPoolIPv4PodCIDRList": [wish.pod_cidr]}},
        "k8sClientRateLimit": dict(RATE_LIMIT),
        # pods take up a changed configuration
        "rollOutCiliumPods": True,
        "operator": _operator(wish),
        "bgpControlPlane": {"enabled": wish.bgp is not None},
        "l2announcements": {"enabled": bool(wish.l2_interfaces)},
        "gatewayAPI": _gateway_api(wish),
    }
    if wish.devices:
        values["devices"] = list(wish.devices)
    return merged(values, wish.values)


def _operator(wish: Wish) -> dict[str, Any]:
    # the chart's two replicas refuse to share a node, so one of them would wait for ever
    operator: dict[str, Any] = {"replicas": min(2, max(1, wish.nodes)), "rollOutPods": True}
    if wish.gateway:
        operator["podAnnotations"] = {GATEWAY_ANNOTATION: f"{wish.gateway_api} {wish.channel}"}
    return operator


def _gateway_api(wish: Wish) -> dict[str, Any]:
    if not wish.gateway:
        return {"enabled": False}
    # charts before 1.16 drop these without a word
    http2 = {"enableAlpn": True, "enableAppProtocol": True} if wish.since("1.16") else {}
    return {"enabled": True, **http2}


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings are merged, anything else is replaced, as Helm does it."""
    result = dict(base)
    for key, value in more.items():
        there = result.get(key)
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            result[key] = merged(there, value)
        else:
            result[key] = value
    return result


def differing(wanted: Mapping[str, Any], found: Mapping[str, Any], path: str = "") -> list[str]:
    """Dotted keys whose values are not the same."""
    keys = []
    for key in sorted({*wanted, *found}):
        here, there = wanted.get(key), found.get(key)
        if isinstance(here, Mapping) and isinstance(there, Mapping):
            keys += differing(here, there, f"{path}{key}.")
        elif here != there or (key in wanted) != (key in found):
            keys.append(f"{path}{key}")
    return keys
