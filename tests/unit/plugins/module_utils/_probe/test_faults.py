# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults made for real in network namespaces: the verdict names the cause, on the right node, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Nic
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.verdict import Verdict
from tests import namespaces
from tests.namespaces import NODES, ROUTER, Town

WHY_NOT = namespaces.unavailable()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
K3S1 = NODES["k3s1"]


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    built = Town()
    try:
        built.build()
        yield built
    finally:
        built.remove()


def the_only(verdicts: list[Verdict]) -> Verdict:
    assert len(verdicts) == 1, [verdict.line for verdict in verdicts]
    return verdicts[0]


def test_a_healthy_network_gets_no_verdict(town: Town) -> None:
    assert town.verdicts() == []


# on k3s1: command, undo -> layer, kind, part of the sentence
SHELL = {
    "link switched off": (
        "ip link set eth0 down",
        f"ip link set eth0 up; ip route add default via {ROUTER}",
        (1, "link off", "k3s1: link eth0 is switched off"),
    ),
    "MTU of one machine": (
        "ip link set eth0 mtu 1400",
        "ip link set eth0 mtu 1500",
        (3, "mtu", "k3s1: link eth0 has an MTU of 1400, expected 1500 as k3s-master1, k3s2 and r730 have"),
    ),
    "MTU of the path": (
        "iptables -A INPUT -m length --length 1400:65535 -j DROP",
        "iptables -F INPUT",
        (3, "path mtu", "k3s1: packets of 1500 bytes between it and k3s-master1, k3s2 and r730 are lost while small"),
    ),
    "loss of 30 %": (
        "iptables -A INPUT -m statistic --mode random --probability 0.3 -j DROP",
        "iptables -F INPUT",
        (3, "loss", "% of the packets to and from its peers are lost"),
    ),
    "kubelet's port filtered": (
        "iptables -A INPUT -p tcp --dport 10250 -j DROP",
        "iptables -F INPUT",
        (4, "kubelet", "k3s1: port 10250 (kubelet) does not answer k3s-master1, k3s2 and r730 (timeout) though"),
    ),
    "Cilium's port rejected": (
        "iptables -A INPUT -p tcp --dport 4240 -j REJECT",
        "iptables -F INPUT",
        (
            4,
            "cilium-health",
            "k3s1: port 4240 (cilium-health) does not answer k3s-master1, k3s2 and r730 (refused)",
        ),
    ),
    "VXLAN's port filtered inwards": (
        "iptables -A INPUT -p udp --dport 8472 -j DROP",
        "iptables -F INPUT",
        (4, "vxlan", "k3s1: UDP packets to port 8472 (VXLAN) from k3s-master1 and k3s2 do not arrive"),
    ),
    "VXLAN's port filtered outwards": (
        "iptables -A OUTPUT -p udp --dport 8472 -j DROP",
        "iptables -F OUTPUT",
        (4, "vxlan", "k3s1: UDP packets to port 8472 (VXLAN) do not arrive at k3s-master1 and k3s2"),
    ),
    "gateway replaced": (
        f"ip route replace default via {NODES['r730']}",
        f"ip route replace default via {ROUTER}",
        (3, "gateway", f"k3s1: the default route goes to {NODES['r730']}, expected {ROUTER}"),
    ),
    "gateway lost": (
        "ip route del default",
        f"ip route add default via {ROUTER}",
        (3, "gateway", f"k3s1: there is no default route, expected one to {ROUTER}"),
    ),
    "no names for one machine": (
        "iptables -A OUTPUT -p udp --dport 53 -j DROP",
        "iptables -F OUTPUT",
        (3, "dns", f"k3s1: the name server {ROUTER} does not answer it"),
    ),
    "rules flushed as networkd does after Cilium moved the rule": (
        "ip rule add priority 100 lookup local; ip rule del priority 0; ip rule del priority 100",
        "ip rule add priority 0 lookup local",
        (3, "rules", "k3s1: no routing rule looks up table local"),
    ),
    "address lost": (
        f"ip address del {K3S1}/24 dev eth0",
        f"ip address add {K3S1}/24 dev eth0; ip route add default via {ROUTER}",
        (3, "address", f"k3s1: {K3S1} is on no interface, expected on eth0"),
    ),
    "another machine's address": (
        f"ip address add {NODES['k3s2']}/32 dev eth0",
        f"ip address del {NODES['k3s2']}/32 dev eth0",
        (2, "duplicate ip", f"k3s1: it has {NODES['k3s2']} on eth0, which is the address of k3s2"),
    ),
    "another network's leftovers": (
        "ip link add flannel.1 type bridge",
        "ip link del flannel.1",
        (3, "leftovers", "k3s1: another container network left interface flannel.1"),
    ),
    "adapter renamed": (
        "ip link set eth0 down; ip link set eth0 name gone0; ip address flush dev gone0",
        f"ip link set gone0 name eth0; ip address add {K3S1}/24 dev eth0; ip link set eth0 up; "
        f"ip route add default via {ROUTER}",
        (1, "link gone", "k3s1: link eth0 is gone"),
    ),
}


@pytest.mark.parametrize("name", SHELL)
def test_fault_of_one_machine(town: Town, name: str) -> None:
    command, undo, expected = SHELL[name]
    with town.fault("k3s1", command, undo):
        found = the_only(town.verdicts())
    layer, kind, sentence = expected
    assert (found.node, found.layer, found.kind) == ("k3s1", layer, kind), found
    assert sentence in found.line


def test_moved_rule_is_fine(town: Town) -> None:
    command = "ip rule add priority 100 lookup local; ip rule del priority 0"
    with town.fault("k3s1", command, "ip rule add priority 0 lookup local; ip rule del priority 100"):
        assert town.verdicts() == []


@pytest.mark.parametrize(("speed", "duplex", "kind"), [(100, "full", "speed"), (2500, "half", "duplex")])
def test_what_the_link_negotiated(town: Town, tmp_path: Path, speed: int, duplex: str, kind: str) -> None:
    (tmp_path / "speed").write_text(f"{speed}\n")
    (tmp_path / "duplex").write_text(f"{duplex}\n")
    place = "/sys/class/net/eth0"
    before = "; ".join(f"mount --bind {tmp_path}/{file} {place}/{file}" for file in ("speed", "duplex"))
    found = the_only(town.verdicts(before=before))
    assert (found.node, found.layer, found.kind) == ("k3s1", 1, kind)
    if kind == "speed":
        assert found.line == "k3s1: link eth0 negotiated 100 Mb/s, expected 2500: check cable or port"


def test_adapter_that_was_unplugged_while_a_bond_carries_the_address(town: Town) -> None:
    nics = (Nic("enx6c1ff71be8c8", "6c:1f:f7:1b:e8:c8", 2500, True),)
    found = the_only(town.verdicts(k3s1={"nics": nics}))
    assert (found.node, found.layer, found.kind) == ("k3s1", 1, "link gone")
    assert "link enx6c1ff71be8c8 is gone" in found.line


def test_address_that_an_unknown_device_has_too(town: Town) -> None:
    with town.fault("router", f"ip address add {K3S1}/32 dev eth0", f"ip address del {K3S1}/32 dev eth0"):
        found = the_only(town.verdicts())
    assert (found.node, found.layer, found.kind) == ("k3s1", 2, "duplicate ip")
    assert f"k3s1: {K3S1} is also the address of" in found.line


def test_mac_address_of_two_machines(town: Town) -> None:
    own = town.on("k3s1", "cat /sys/class/net/eth0/address").strip()
    other = town.on("k3s2", "cat /sys/class/net/eth0/address").strip()
    set_to = "ip link set eth0 address {}; ip neigh flush all".format
    with town.fault("k3s1", set_to(other), set_to(own)):
        found = {verdict.node: verdict.kind for verdict in town.verdicts()}
    assert found == {"k3s1": "duplicate mac", "k3s2": "duplicate mac"}


@pytest.mark.parametrize(
    ("server", "kept", "kind", "sentence"),
    [
        ("k3s-master1", "tcp=10250,4240,22", "api", "k3s-master1: nothing listens on port 6443 (api)"),
        ("r730", "tcp=22", "nfs", "r730: nothing listens on port 2049 (nfs)"),
    ],
)
def test_service_that_ended(town: Town, server: str, kept: str, kind: str, sentence: str) -> None:
    town.stop(server)
    town.serve(server, kept)
    town.await_port(server, 22)
    try:
        found = the_only(town.verdicts())
    finally:
        town.stop(server)
        town.serve(server, f"tcp={namespaces.PORTS[server]}")
        town.await_port(server, 22)
    assert (found.node, found.layer, found.kind) == (server, 4, kind)
    assert sentence in found.line


@pytest.mark.parametrize(
    ("kept", "kind", "node"),
    [
        (("tcp=179,5000", "ntp=0"), "dns", f"name server {ROUTER}"),
        (("tcp=179,5000", "dns"), "ntp", f"time server {ROUTER}"),
        (("tcp=5000", "dns", "ntp=0"), "bgp", f"router {ROUTER}"),
        (("tcp=179", "dns", "ntp=0"), "registry", f"registry {ROUTER}"),
        (("tcp=179,5000", "dns", "ntp=300"), "clock", f"time server {ROUTER}"),
    ],
)
def test_what_the_house_lacks_is_blamed_on_nobody_else(town: Town, kept: tuple[str, ...], kind: str, node: str) -> None:
    town.stop("router")
    town.serve("router", *kept)
    town.await_port("router", 5000 if kind != "registry" else 179)
    try:
        found = the_only(town.verdicts())
    finally:
        town.stop("router")
        town.serve("router", "tcp=179,5000", "dns", "ntp=0")
        town.await_port("router", 5000)
    assert (found.node, found.kind) == (node, kind)


def test_dead_gateway_explains_what_lies_behind_it(town: Town) -> None:
    with town.fault("router", "ip link set eth0 down", "ip link set eth0 up"):
        verdicts = town.verdicts()
    assert verdicts[0].node == f"gateway {ROUTER}" and verdicts[0].kind == "gateway silent"


def test_clock_of_one_machine(town: Town) -> None:
    wanted = town.wanted("k3s1")
    assert wanted.controller_time is not None
    found = the_only(town.verdicts(k3s1={"controller_time": wanted.controller_time - 300}))
    assert (found.node, found.kind) == ("k3s1", "clock") and "s ahead of the controller's" in found.line


def test_machine_that_nobody_reaches(town: Town) -> None:
    with town.fault("k3s1", "ip link set eth0 down", f"ip link set eth0 up; ip route add default via {ROUTER}"):
        found = the_only(town.verdicts(deaf=("k3s1",)))
    assert (found.node, found.layer, found.kind) == ("k3s1", 1, "dead")
    assert found.later > 5


def test_machine_without_rules_seen_from_its_peers(town: Town) -> None:
    with town.fault("k3s1", "iptables -A INPUT -j DROP", "iptables -F INPUT"):
        found = the_only(town.verdicts(deaf=("k3s1",)))
    assert (found.node, found.layer, found.kind) == ("k3s1", 3, "deaf")


def test_exchange_while_another_program_holds_the_port(town: Town) -> None:
    holder = town.hold("k3s1", 8472)
    try:
        hosts = {host.name: host.evidence or {} for host in town.look()}
        assert hosts["k3s1"]["exchange"]["state"] == "on the wire"
        assert hosts["k3s1"]["exchange"]["heard"] == sorted([NODES["k3s-master1"], NODES["k3s2"]])
        assert town.verdicts() == []
    finally:
        holder.kill()
        holder.wait()


def test_two_faults_are_two_verdicts(town: Town) -> None:
    with (
        town.fault("k3s1", "ip route del default", f"ip route add default via {ROUTER}"),
        town.fault("k3s2", "iptables -A INPUT -p tcp --dport 10250 -j DROP", "iptables -F INPUT"),
    ):
        found = [(verdict.node, verdict.kind) for verdict in town.verdicts()]
    assert found == [("k3s1", "gateway"), ("k3s2", "kubelet")]
