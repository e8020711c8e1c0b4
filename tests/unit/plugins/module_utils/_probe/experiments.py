# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults made for real on the machines of a town, and the verdicts that each of them has to get."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Nic
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.verdict import Verdict
from tests.namespaces import CABLES, HOUSE, MACS, NODES, ROUTER, Town

K3S1 = NODES["k3s1"]
ROUTE = f"ip route replace default via {ROUTER}"
UP = f"ip link set eth0 up; {ROUTE}"
FLUSH = "iptables -F"
UNNAMED = f"ip address del {K3S1}/24 dev eth0"
NAMED = f"ip address add {K3S1}/24 dev eth0; {ROUTE}"
MOVE_RULE = "ip rule add priority 100 lookup local; ip rule del priority 0"

Expected = tuple[str, int, str, str]  # node, layer, kind, part of the sentence


@dataclass(frozen=True)
class Experiment:
    """Faults, and what is said of them, in this order and nothing else, but where more may follow."""

    expected: tuple[Expected, ...] = ()
    # machine, command, undo
    faults: tuple[tuple[str, str, str], ...] = ()
    # machine -> the doubles that it is left with
    doubles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    frozen: str = ""
    tunnels: bool = False
    deaf: tuple[str, ...] = ()
    # a command that prepares k3s1's own view
    before: str = ""
    changes: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    more: bool = False

    def run(self, town: Town) -> list[Verdict]:
        """The verdicts while the faults last."""
        with ExitStack() as stack:
            if self.tunnels:
                stack.enter_context(town.tunnels())
            for machine, doubles in self.doubles.items():
                stack.enter_context(town.serving(machine, *doubles))
            for fault in self.faults:
                stack.enter_context(town.fault(*fault))
            if self.frozen:
                stack.enter_context(town.frozen(self.frozen))
            return town.verdicts(self.deaf, self.before, **self.changes)


def on_k3s1(command: str, undo: str, layer: int, kind: str, sentence: str) -> Experiment:
    """A fault of k3s1's, and nobody else to blame."""
    return Experiment((("k3s1", layer, kind, sentence),), (("k3s1", command, undo),))


def iptables(rule: str, layer: int, kind: str, sentence: str) -> Experiment:
    """A packet filter of k3s1's."""
    return on_k3s1(f"iptables -A {rule}", FLUSH, layer, kind, sentence)


OF_ONE = {
    "link switched off": on_k3s1("ip link set eth0 down", UP, 1, "link off", "link eth0 is switched off"),
    "MTU of one machine": on_k3s1(
        "ip link set eth0 mtu 1400", "ip link set eth0 mtu 1500", 3, "mtu",
        "link eth0 has an MTU of 1400, expected 1500 as k3s-master1, k3s2 and r730 have",
    ),
    "MTU of the path": iptables(
        "INPUT -m length --length 1400:65535 -j DROP", 3, "path mtu",
        "packets of 1500 bytes between it and k3s-master1, k3s2 and r730 are lost while small",
    ),
    "loss of 30 %": iptables(
        "INPUT -m statistic --mode random --probability 0.3 -j DROP", 3, "loss",
        "% of the packets to and from its peers are lost",
    ),
    "VXLAN's port filtered inwards": iptables(
        "INPUT -p udp --dport 8472 -j DROP", 4, "vxlan",
        "UDP packets to port 8472 (VXLAN) from k3s-master1 and k3s2 do not arrive",
    ),
    "VXLAN's port filtered outwards": iptables(
        "OUTPUT -p udp --dport 8472 -j DROP", 4, "vxlan",
        "UDP packets to port 8472 (VXLAN) do not arrive at k3s-master1 and k3s2",
    ),
    "gateway replaced": on_k3s1(
        f"ip route replace default via {NODES['r730']}", ROUTE, 3, "gateway",
        f"the default route goes to {NODES['r730']}, expected {ROUTER}",
    ),
    "gateway lost": on_k3s1(
        "ip route del default", ROUTE, 3, "gateway", f"there is no default route, expected one to {ROUTER}"
    ),
    "no names for one machine": iptables(
        "OUTPUT -p udp --dport 53 -j DROP", 3, "dns", f"the name server {ROUTER} does not answer it (unreachable)"
    ),
    "no time for one machine": iptables(
        "OUTPUT -p udp --dport 123 -j DROP", 3, "ntp", f"the time server {ROUTER} does not answer it, but others"
    ),
    "rules flushed after Cilium moved one": on_k3s1(
        f"{MOVE_RULE}; ip rule del priority 100", "ip rule add priority 0 lookup local", 3, "rules",
        "no routing rule looks up table local",
    ),
    "address lost": on_k3s1(UNNAMED, NAMED, 3, "address", f"{K3S1} is on no interface, expected on eth0"),
    "another machine's address": on_k3s1(
        f"ip address add {NODES['k3s2']}/32 dev eth0", f"ip address del {NODES['k3s2']}/32 dev eth0", 2, "duplicate ip",
        f"it has {NODES['k3s2']} on eth0, which is the address of k3s2",
    ),
    "another network's leftovers": on_k3s1(
        "ip link add flannel.1 type bridge", "ip link del flannel.1", 3, "leftovers",
        "another container network left interface flannel.1",
    ),
    "adapter renamed": on_k3s1(
        "ip link set eth0 down; ip link set eth0 name gone0; ip address flush dev gone0",
        f"ip link set gone0 name eth0; ip address add {K3S1}/24 dev eth0; {UP}", 1, "link gone", "link eth0 is gone",
    ),
}  # fmt: skip


def speed(link: str, duplex: str, kind: str, sentence: str) -> Experiment:
    """What the link negotiated, as its driver would tell."""
    place = "/sys/class/net/eth0"
    tell = "printf {value} > $dir/{file}; mount --bind $dir/{file} {place}/{file}".format
    files = (tell(value=link, file="speed", place=place), tell(value=duplex, file="duplex", place=place))
    return Experiment((("k3s1", 1, kind, sentence),), before="; ".join(("dir=$(mktemp -d)", *files)))


OF_THE_LINK = {
    "cable pulled": Experiment(
        (("k3s1", 1, "no carrier", "k3s1: link eth0 has no carrier: check cable, adapter and port"),),
        (("switch", f"ip link set {CABLES['k3s1']} down", f"ip link set {CABLES['k3s1']} up"),),
    ),
    "wrong speed": speed(
        "100", "full", "speed", "k3s1: link eth0 negotiated 100 Mb/s, expected 2500: check cable or port"
    ),
    "half duplex": speed("2500", "half", "duplex", "link eth0 runs half duplex, expected full"),
    "adapter unplugged under a bond": Experiment(
        (("k3s1", 1, "link gone", "link enx6c1ff71be8c8 is gone"),),
        changes={"k3s1": {"nics": (Nic("enx6c1ff71be8c8", "6c:1f:f7:1b:e8:c8", 2500, True),)}},
    ),
    "machine that nobody reaches": Experiment(
        (("k3s1", 1, "dead", f"get no answer to ARP for {K3S1}"),), (("k3s1", "ip link set eth0 down", UP),),
        deaf=("k3s1",),
    ),
    "machine that takes no packet": Experiment(
        (("k3s1", 3, "deaf", "it answers ARP but no packet"),), (("k3s1", "iptables -A INPUT -j DROP", FLUSH),),
        deaf=("k3s1",),
    ),
}  # fmt: skip

# service -> its place, what the place is called, port, and how what is behind it is asked
SERVICES = {
    "api": ("k3s-master1", "k3s-master1", 6443),
    "kubelet": ("k3s2", "k3s2", 10250),
    "cilium-health": ("k3s2", "k3s2", 4240),
    "bgp": ("router", f"router {ROUTER}", 179),
    "nfs": ("r730", "r730", 2049),
    "registry": ("router", f"registry {ROUTER}", 5000),
}
OUTSIDE = ("bgp", "registry")


def blocked_ports() -> Iterator[tuple[str, Experiment]]:
    """Each port, filtered where its service is, and on the way out of one machine."""
    for service, (place, label, port) in SERVICES.items():
        others = sorted(set(NODES) - {place})
        who = f"{', '.join(others[:-1])} and {others[-1]}"
        text = f"{label}: port {port} ({service}) " + (
            "answers none of 4 hosts" if service in OUTSIDE else f"does not answer {who}"
        )
        for verb, how in (("DROP", "timeout"), ("REJECT", "refused")):
            sentence = f"{text} ({how})"
            command = f"iptables -A INPUT -p tcp --dport {port} -j {verb}"
            yield (
                f"port of {service}: {verb}",
                Experiment(((label, 4, service, sentence),), ((place, command, FLUSH),)),
            )
        yield f"port of {service} out of k3s1", _outwards(service, label, port)


def _outwards(service: str, label: str, port: int) -> Experiment:
    command = f"iptables -A OUTPUT -p tcp --dport {port} -j DROP"
    sentence = f"it does not reach port {port} ({service}) of "
    if service in OUTSIDE:
        sentence = f"port {port} ({service}) of {label} does not answer it (timeout), but others"
    return Experiment((("k3s1", 4, service, f"k3s1: {sentence}"),), (("k3s1", command, FLUSH),))


def without(machine: str, *doubles: str, **expected: str) -> Experiment:
    """Doubles that ended."""
    ((kind, sentence),) = expected.items()
    node, layer = sentence.partition(": ")[0], {"dns": 3, "ntp": 3, "clock": 3}.get(kind, 4)
    return Experiment(((node, layer, kind, sentence),), doubles={machine: doubles})


OF_SERVICES = {
    "API server down": without(
        "k3s-master1", "tcp=10250,4240,22", api="k3s-master1: nothing listens on port 6443 (api), k3s1, k3s2 and r730"
    ),
    "kubelet down": without("k3s2", "tcp=4240,22", kubelet="k3s2: nothing listens on port 10250 (kubelet)"),
    "NFS server down": without("r730", "tcp=22", nfs="r730: nothing listens on port 2049 (nfs)"),
    "NFS server that hangs": Experiment(
        (("r730", 4, "nfs", "r730: port 2049 (nfs) takes connections, but k3s-master1, k3s1 and k3s2 get no answer"),),
        frozen="r730",
    ),
    "NFS server without power": Experiment(
        (("r730", 1, "dead", f"get no answer to ARP for {NODES['r730']}"),),
        (("r730", "ip link set eth0 down", UP),), deaf=("r730",),
    ),
    "no names for anybody": without("router", HOUSE[0], HOUSE[2], dns=f"name server {ROUTER}: answers none of 4 hosts"),
    "no time for anybody": without("router", HOUSE[0], HOUSE[1], ntp=f"time server {ROUTER}: gives none of 4 hosts"),
    "router without BGP": without(
        "router", "tcp=5000", *HOUSE[1:], bgp=f"router {ROUTER}: port 179 (bgp) answers none of 4 hosts (refused)"
    ),
    "registry down": without("router", "tcp=179", *HOUSE[1:], registry=f"registry {ROUTER}: port 5000 (registry)"),
    "time server that is off": without(
        "router", *HOUSE[:2], "ntp=300", clock=f"time server {ROUTER}: is "
    ),
}  # fmt: skip


def readdressed(mac: str) -> str:
    """Give a machine's adapter another MAC address."""
    return f"ip link set eth0 address {mac}; ip neigh flush all; {ROUTE}"


FILTER_TUNNEL = "iptables -A {} -p udp --dport 8472 -j DROP".format
OF_TUNNELS = {
    "tunnel of the kernel": Experiment(tunnels=True),
    "tunnel filtered inwards": Experiment(
        (("k3s1", 4, "vxlan", "the tunnel between it and k3s-master1 and k3s2 carries nothing"),),
        (("k3s1", FILTER_TUNNEL("INPUT"), FLUSH),), tunnels=True,
    ),
    "tunnel filtered outwards": Experiment(
        (("k3s1", 4, "vxlan", "UDP packets to port 8472 (VXLAN) do not arrive at k3s-master1 and k3s2"),),
        (("k3s1", FILTER_TUNNEL("OUTPUT"), FLUSH),), tunnels=True,
    ),
}  # fmt: skip
OF_SEVERAL = {
    "healthy": Experiment(),
    "moved rule": Experiment(
        faults=(("k3s1", MOVE_RULE, "ip rule add priority 0 lookup local; ip rule del priority 100"),)
    ),
    "unknown device with the same address": Experiment(
        (("k3s1", 2, "duplicate ip", f"k3s1: {K3S1} is also the address of"),),
        (("router", f"ip address add {K3S1}/32 dev eth0", f"ip address del {K3S1}/32 dev eth0"),),
    ),
    "gateway's address taken": Experiment(
        ((f"gateway {ROUTER}", 2, "duplicate ip", f"{MACS['r730']} and {MACS['router']} all claim its address"),),
        (("r730", f"ip address add {ROUTER}/32 dev eth0", f"ip address del {ROUTER}/32 dev eth0"),),
        more=True,
    ),
    "MAC address of two machines": Experiment(
        (("k3s1", 2, "duplicate mac", "is also that of k3s2"), ("k3s2", 2, "duplicate mac", "is also that of k3s1")),
        (("k3s1", readdressed(MACS["k3s2"]), readdressed(MACS["k3s1"])),),
    ),
    "gateway without power": Experiment(
        ((f"gateway {ROUTER}", 2, "gateway silent", "answers none of 4 hosts by ARP: check the router"),),
        (("router", "ip link set eth0 down", "ip link set eth0 up"),),
        more=True,
    ),
    "clock of one machine": Experiment(
        (("k3s1", 3, "clock", "s ahead of the controller's"),),
        changes={"k3s1": {"controller_time": time.time() - 300}},
    ),
    "two faults": Experiment(
        (("k3s1", 3, "gateway", "k3s1: "), ("k3s2", 4, "kubelet", "k3s2: ")),
        (
            ("k3s1", "ip route del default", ROUTE),
            ("k3s2", "iptables -A INPUT -p tcp --dport 10250 -j DROP", FLUSH),
        ),
    ),
}
EXPERIMENTS = {**OF_ONE, **OF_THE_LINK, **dict(blocked_ports()), **OF_SERVICES, **OF_TUNNELS, **OF_SEVERAL}
