# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what the modules are told of a host, as options and typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Nic, Peer, Service, Wanted

NIC = {
    "name": {"type": "str"},
    "mac": {"type": "str"},
    "speed_mbps": {"type": "int"},
    "bus": {"type": "str"},
    "driver": {"type": "str"},
    "usb_id": {"type": "str"},
    "primary": {"type": "bool", "default": False},
}
PEER = {
    "name": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "tunnel": {"type": "bool", "default": False},
}
SERVICE = {
    "service": {"type": "str", "required": True},
    "host": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
}
SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "nics": {"type": "list", "elements": "dict", "default": [], "options": NIC},
    "gateway": {"type": "str"},
    "dns": {"type": "list", "elements": "str", "default": []},
    "dns_name": {"type": "str", "default": "example.net"},
    "ntp": {"type": "list", "elements": "str", "default": []},
    "pod_cidr": {"type": "str"},
    "container_network": {"type": "str", "default": ""},
    "peers": {"type": "list", "elements": "dict", "default": [], "options": PEER},
    "services": {"type": "list", "elements": "dict", "default": [], "options": SERVICE},
    "tunnel": {"type": "bool", "default": False},
    "tunnel_port": {"type": "int", "default": 8472},
}


def wanted_from(options: Mapping[str, Any]) -> Wanted:
    """The typed model of such options, or of a document with the same keys."""
    return Wanted(
        name=options["name"],
        address=options["address"],
        nics=tuple(_nic(nic) for nic in options.get("nics") or []),
        gateway=options.get("gateway"),
        dns=tuple(options.get("dns") or []),
        dns_name=options.get("dns_name") or "example.net",
        ntp=tuple(options.get("ntp") or []),
        pods=options.get("pod_cidr"),
        container_network=options.get("container_network") or "",
        peers=tuple(
            Peer(peer["name"], peer["address"], bool(peer.get("tunnel"))) for peer in options.get("peers") or []
        ),
        services=tuple(
            Service(each["service"], each["host"], each["address"], int(each["port"]))
            for each in options.get("services") or []
        ),
        tunnel=bool(options.get("tunnel")),
        tunnel_port=int(options.get("tunnel_port") or 8472),
        controller_time=options.get("controller_time"),
        seconds=options.get("seconds") or 8.0,
        linger=options.get("linger") or 0.0,
        patience=options.get("patience") or 3.5,
    )


def _nic(nic: Mapping[str, Any]) -> Nic:
    mac = nic.get("mac")
    return Nic(
        nic.get("name"),
        mac.lower().replace("-", ":") if mac else None,
        nic.get("speed_mbps"),
        bool(nic.get("primary")),
    )
