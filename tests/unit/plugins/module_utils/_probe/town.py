# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sound network of five machines as plain data, for tests that break a part of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import Host
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Nic, Peer, Service, Wanted

GATEWAY, ROUTER_MAC = "192.0.2.1", "02:00:00:00:00:01"
ADDRESSES = {"m1": "192.0.2.30", "k1": "192.0.2.21", "k2": "192.0.2.23", "k3": "192.0.2.31", "nas": "192.0.2.100"}
MEMBERS = ("m1", "k1", "k2", "k3")
MACS = {name: f"02:00:00:00:01:{number:02x}" for number, name in enumerate(ADDRESSES)}
LISTENING = {"m1": [22, 6443, 10250], "k1": [22, 10250], "k2": [22, 10250], "k3": [22, 10250], "nas": [22, 2049]}
SERVICES = {22: "ssh", 6443: "api", 10250: "kubelet", 2049: "nfs"}


def wanted(name: str) -> Wanted:
    return Wanted(
        name=name,
        address=ADDRESSES[name],
        nics=(Nic("eth0", MACS[name], 2500, True),),
        gateway=GATEWAY,
        dns=("198.51.100.53",),
        ntp=(GATEWAY,),
        pods="10.42.0.0/16",
        peers=tuple(Peer(other, ADDRESSES[other], other in MEMBERS) for other in ADDRESSES if other != name),
        services=tuple(service for service in all_services() if service.host != name),
        tunnel=name in MEMBERS,
    )


def all_services() -> list[Service]:
    machines = [
        Service(SERVICES[port], name, ADDRESSES[name], port) for name, ports in LISTENING.items() for port in ports
    ]
    return [*machines, Service("bgp", "router", GATEWAY, 179)]


def evidence(name: str) -> dict[str, Any]:
    others = [address for other, address in ADDRESSES.items() if other != name]
    tunnels = sorted(ADDRESSES[other] for other in MEMBERS if other != name)
    return {
        "name": name,
        "address": ADDRESSES[name],
        "clock": 0.4,
        "uptime": 90000.0,
        "interface": "eth0",
        "missing": [],
        "addresses": [{"address": ADDRESSES[name], "length": 24, "device": "eth0"}],
        "links": {"eth0": link(name)},
        "macs": [MACS[name]],
        "events": [],
        "has_address": True,
        "local_rule": True,
        "rules": [],
        "routes": [{"destination": "default", "gateway": GATEWAY, "device": "eth0", "metric": 0}],
        "listening": LISTENING[name],
        "cilium": False,
        "leftovers": [],
        "arp": {
            ADDRESSES[name]: [],
            GATEWAY: [ROUTER_MAC],
            **{address: [MACS[other]] for other, address in ADDRESSES.items() if other != name},
        },
        "small": {address: {"sent": 20, "answered": 20, "error": None} for address in others},
        "big": {address: {"sent": 4, "answered": 4, "error": None} for address in others},
        "exchange": {"state": "own socket", "heard": tunnels, "answered": list(tunnels)} if name in MEMBERS else None,
        "dns": {"198.51.100.53": "answers"},
        "ntp": {GATEWAY: 0.002},
        "tcp": [
            {"service": each.name, "host": each.host, "address": each.address, "port": each.port, "result": "open"}
            for each in wanted(name).services
        ],
        "increase": {},
        "unfinished": {},
        "seconds": 1.7,
    }


def link(name: str) -> dict[str, Any]:
    return {
        "mac": MACS[name], "up": True, "carrier": True, "operstate": "up", "speed": 2500, "duplex": "full", "mtu": 1500,
        "carrier_changes": 2, "errors": {"rx_errors": 0}, "drops": {}, "bus": "usb", "port": "2-1", "driver": "r8152",
        "master": None,
    }  # fmt: skip


class Network:
    """Evidence that may be changed, and who cannot be asked."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[str, Any]] = {name: copy.deepcopy(evidence(name)) for name in ADDRESSES}
        self.absent: set[str] = set()

    def hosts(self) -> list[Host]:
        return [Host(wanted(name), None if name in self.absent else self.seen[name]) for name in ADDRESSES]

    def port(self, observer: str, target: str, port: int, result: str) -> None:
        """What became of a connection."""
        for entry in self.seen[observer]["tcp"]:
            if (entry["host"], entry["port"]) == (target, port):
                entry["result"] = result

    def dead(self, name: str) -> None:
        """A machine whose cable is cut: nobody sees it, it sees nobody."""
        address = ADDRESSES[name]
        for other in ADDRESSES:
            if other != name:
                self.cut(other, name)
                self.cut(name, other)
        own = self.seen[name]
        own["arp"][GATEWAY] = []
        own["dns"] = dict.fromkeys(own["dns"], "timeout")
        own["ntp"] = dict.fromkeys(own["ntp"])
        assert address

    def cut(self, observer: str, target: str) -> None:
        """Nothing of the one's reaches the other."""
        address, seen = ADDRESSES[target], self.seen[observer]
        seen["arp"][address] = []
        seen["small"][address]["answered"] = seen["big"][address]["answered"] = 0
        if seen["exchange"]:
            for kind in ("heard", "answered"):
                seen["exchange"][kind] = [each for each in seen["exchange"][kind] if each != address]
        for entry in seen["tcp"]:
            if entry["host"] == target:
                entry["result"] = "unreachable"


Change = Callable[[Network], Any]


def own(name: str, **changes: Any) -> Change:
    return lambda network: network.seen[name].update(changes)


def link_of(name: str, **changes: Any) -> Change:
    return lambda network: network.seen[name]["links"]["eth0"].update(changes)


def bonded(name: str, first: dict[str, Any] | None, active: str = "eno1") -> Change:
    """The address on a bond of eth0 and eno1; first changes eth0, which is not there where it is None."""

    def change(network: Network) -> None:
        seen = network.seen[name]
        upper = {"bus": None, "driver": None, "port": None}
        parts = sorted({"eno1", *(() if first is None else ("eth0",))})
        bond = {"active": active, "primary": "eth0" if first else None, "parts": parts}
        links = {"eno1": link(name) | {"mac": "02:00:00:00:02:01", "bus": "pci", "master": "bond0"}}
        links["bond0"] = link(name) | upper | {"bond": bond}
        if first is not None:
            links["eth0"] = link(name) | first
        seen["links"] = links
        seen["interface"] = "eth0" if first is not None else "bond0"
        seen["addresses"] = [{**entry, "device": "bond0"} for entry in seen["addresses"]]
        seen["routes"] = [{**route, "device": "bond0"} for route in seen["routes"]]

    return change


def ports(port: int, target: str, result: str, *observers: str) -> Change:
    def change(network: Network) -> None:
        for observer in observers or [name for name in ADDRESSES if name != target]:
            network.port(observer, target, port, result)

    return change
