# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what Cilium is to be, typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.judge import minor_of, number_of

NAMESPACE = "kube-system"
RELEASE = "cilium"
# The pods of Cilium's operator carry the Gateway API they were started with: it looks for its kinds once, at its start.
GATEWAY_ANNOTATION = "homelab.fletcherlabs.net/gateway-api"
# Names of the objects that we keep.
OWN = "homelab"


@dataclass(frozen=True)
class Bgp:
    """The session of each labelled node with the router."""

    local_asn: int
    peer_asn: int
    peer_address: str
    label: tuple[str, str]
    pods: bool = False


@dataclass(frozen=True)
class Gateway:
    """The one Gateway of the site."""

    namespace: str
    name: str
    address: str
    domain: str
    tls_secret: str = ""


@dataclass(frozen=True)
class Wish:
    """Everything that decides about values and objects."""

    version: str
    gateway_api: str
    channel: str
    api_host: str
    api_port: int
    pod_cidr: str
    nodes: int
    devices: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    pool: tuple[str, ...] = ()
    bgp: Bgp | None = None
    l2_interfaces: tuple[str, ...] = ()
    gateway: Gateway | None = None

    def since(self, minor: str) -> bool:
        """Whether this Cilium is of that minor version or a later one."""
        return number_of(minor_of(self.version)) >= number_of(minor)


def wish_from(parameters: Mapping[str, Any]) -> Wish:
    """The module's options, typed."""
    bgp, gateway = parameters["bgp"], parameters["gateway"]
    return Wish(
        version=parameters["version"],
        gateway_api=parameters["gateway_api"],
        channel=parameters["gateway_api_channel"],
        api_host=parameters["api_host"],
        api_port=parameters["api_port"],
        pod_cidr=parameters["pod_cidr"],
        nodes=parameters["nodes"],
        devices=tuple(parameters["devices"]),
        values=parameters["values"],
        pool=tuple(parameters["pool"]),
        bgp=_bgp(bgp) if bgp else None,
        l2_interfaces=_unique(parameters["l2_interfaces"]),
        gateway=Gateway(**{key: value or "" for key, value in gateway.items()}) if gateway else None,
    )


def _bgp(options: Mapping[str, Any]) -> Bgp:
    key, _equals, value = options["label"].partition("=")
    return Bgp(options["local_asn"], options["peer_asn"], options["peer_address"], (key, value), bool(options["pods"]))


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
