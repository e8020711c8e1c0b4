# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From all machines' evidence to the verdict: each row is a change to a sound network, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.matrix import matrix
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.verdict import judge
from tests.unit.plugins.module_utils._probe.town import (
    ADDRESSES,
    GATEWAY,
    MACS,
    MEMBERS,
    Change,
    Network,
    link_of,
    own,
    ports,
)


def deaf(name: str) -> Change:
    def change(network: Network) -> None:
        for other, seen in network.seen.items():
            if other != name:
                seen["small"][ADDRESSES[name]].update(answered=0)

    return change


def event(kind: str, line: str, ago: float, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "line": line, "seconds": 90000.0 - ago, "interface": None, "port": None, **more}


RESET = "usb 2-1: reset SuperSpeed USB device number 2 using xhci_hcd"
UNREGISTERED = "cdc_ether 1-1:1.0 eth0: unregister 'cdc_ether' usb-0000:00:01.0-1, CDC Ethernet Device"
ROWS: dict[str, tuple[list[Change], list[str]]] = {
    "sound": ([], []),
    "speed": (
        [link_of("k1", speed=100), own("k1", clock=-60.0)],
        [
            "k1: link eth0 negotiated 100 Mb/s, expected 2500: check cable or port; 1 later failure follows from this",
        ],
    ),
    "faster than expected": ([link_of("k1", speed=10000)], []),
    "speed unknown": ([link_of("k1", speed=None)], []),
    "adapter reset": (
        [own("k1", events=[event("usb reset", RESET, 300, port="2-1"), event("usb reset", RESET, 120, port="2-1")])],
        [
            f"k1: link eth0: the USB adapter was reset 2 times in the last hour, last 2 min ago ('{RESET}'): check "
            "cable and port, and that its power saving is off"
        ],
    ),
    "another USB device was reset": ([own("k1", events=[event("usb reset", RESET, 120, port="1-4")])], []),
    "a reset of yesterday": ([own("k1", events=[event("usb reset", RESET, 50000, port="2-1")])], []),
    "half duplex": (
        [link_of("k1", duplex="half")],
        ["k1: link eth0 runs half duplex, expected full: let both ends negotiate, check cable or port"],
    ),
    "half duplex of a driver that knows no speed": ([link_of("k1", duplex="half", speed=None)], []),
    "adapter unplugged, the kernel's lines being those of QEMU": (
        [
            own(
                "k1",
                interface=None,
                links={},
                missing=["eth0"],
                has_address=True,
                events=[
                    event("usb disconnect", "usb 1-1: USB disconnect, device number 2", 9, port="1-1"),
                    event("unregistered", UNREGISTERED, 9, interface="eth0"),
                ],
            )
        ],
        [
            f"k1: link eth0 is gone (the kernel said '{UNREGISTERED}' 0 min ago): no interface has that name or the "
            "MAC address 02:00:00:00:01:01; plug the adapter in again, or correct homelab_machine.nics"
        ],
    ),
    "errors": (
        [own("k1", increase={"rx_crc_errors": 12})],
        ["k1: link eth0 counted 12 rx_crc_errors while it was looked at, expected none: check cable or port"],
    ),
    "flapping": (
        [own("k1", increase={"carrier_changes": 2})],
        ["k1: link eth0 went down and up while it was looked at: check cable, adapter and port"],
    ),
    "no pods' route": (
        [own("k1", cilium=True)],
        [
            "k1: no route leads to the pods in 10.42.0.0/16 though cilium_host is there: restart Cilium on the node, "
            "and keep systemd-networkd from removing routes (playbooks/network.yml)"
        ],
    ),
    "address of an unknown device": (
        [lambda network: network.seen["k1"]["arp"].update({ADDRESSES["k1"]: ["02:ff:00:00:00:09"]})],
        [
            "k1: 192.0.2.21 is also the address of 02:ff:00:00:00:09, which no machine of the inventory has: find that "
            "device, and give one of them another address"
        ],
    ),
    "a machine's second interface is no stranger": (
        [
            lambda network: network.seen["k1"]["macs"].append("02:aa"),
            lambda network: network.seen["k2"]["arp"].update({ADDRESSES["k1"]: ["02:aa", MACS["k1"]]}),
        ],
        [],
    ),
    "two gateways": (
        [lambda network: network.seen["k1"]["arp"].update({GATEWAY: ["02:00:00:00:00:01", "02:00:00:00:00:66"]})],
        [
            f"gateway {GATEWAY}: 02:00:00:00:00:01 and 02:00:00:00:00:66 all claim its address: find the device that "
            "is not the router"
        ],
    ),
    "API down": (
        [ports(6443, "m1", "refused"), own("m1", listening=[22, 10250])],
        [
            "m1: nothing listens on port 6443 (api), k1, k2, k3 and nas found it refused: start k3s and look at its "
            "journal; 3 later failures follow from this"
        ],
    ),
    "kubelet filtered": (
        [ports(10250, "k2", "timeout")],
        [
            "k2: port 10250 (kubelet) does not answer k1, k3, m1 and nas (timeout) though something listens: check its "
            "packet filter; 3 later failures follow from this"
        ],
    ),
    "one machine's way out is filtered": (
        [ports(10250, "k2", "timeout", "k1"), ports(10250, "k3", "timeout", "k1"), ports(10250, "m1", "timeout", "k1")],
        [
            "k1: it does not reach port 10250 (kubelet) of k2, k3 and m1 (timeout) though something listens: check its "
            "packet filter; 2 later failures follow from this"
        ],
    ),
    "one way of many": (
        [ports(10250, "k2", "timeout", "k1")],
        [
            "k1: it does not reach port 10250 (kubelet) of k2 (timeout) though something listens: check its packet "
            "filter",
        ],
    ),
    "router without BGP": (
        [ports(179, "router", "refused", *ADDRESSES)],
        [
            f"router {GATEWAY}: port 179 (bgp) answers none of 5 hosts (refused): have the router's BGP configured "
            "(docs/network.md); 4 later failures follow from this"
        ],
    ),
    "all clocks differ from the controller's": (
        [own(name, clock=-3600.0) for name in ADDRESSES],
        ["controller: its clock is 3600.0 s ahead of all machines' clocks: set it right"],
    ),
    "clock by the time server": (
        [own("k1", ntp={GATEWAY: 2.5})],
        [f"k1: its clock is 2.5 s behind the time server {GATEWAY}, expected at most 0.5 s: timedatectl set-ntp true"],
    ),
    "nothing but pings is lost": (
        [
            lambda network: [
                network.seen[name]["small"][ADDRESSES["k1"]].update(answered=14) for name in ADDRESSES if name != "k1"
            ]
        ],
        [
            "k1: 15 % of the packets to and from its peers are lost (24 of 160), expected none: check cable, port and "
            "packet filter; 3 later failures follow from this"
        ],
    ),
    "two lost pings": ([lambda network: network.seen["k2"]["small"][ADDRESSES["k1"]].update(answered=18)], []),
}  # fmt: skip


def inside(silent: str) -> Change:
    """What pings through the tunnel found; nothing at one of the members."""

    def change(network: Network) -> None:
        for name, seen in network.seen.items():
            if seen["exchange"]:
                seen["exchange"]["inside"] = {
                    address: 0 if silent in (name, other, "everybody") else 4
                    for other, address in ADDRESSES.items()
                    if address in seen["exchange"]["heard"]
                }

    return change


@pytest.mark.parametrize("silent", ["nobody", "everybody", "k1"])
def test_a_tunnel_is_judged_where_any_tunnel_carries_pings(silent: str) -> None:
    network = Network()
    inside(silent)(network)
    lines = [verdict.line for verdict in judge(network.hosts())]
    assert [line.partition(" carries nothing")[0] for line in lines] == (
        ["k1: the tunnel between it and k2, k3 and m1"] if silent == "k1" else []
    )
    assert (matrix(network.hosts()).cells[("k2", "k1")].short == "ok") == (silent == "nobody")


@pytest.mark.parametrize("name", ROWS)
def test_judge(name: str) -> None:
    changes, lines = ROWS[name]
    network = Network()
    for change in changes:
        change(network)
    assert [verdict.line for verdict in judge(network.hosts())] == lines


def test_dead_machine_is_judged_by_its_peers() -> None:
    network = Network()
    network.dead("k1")
    network.absent.add("k1")
    (verdict,) = judge(network.hosts())
    assert verdict.line.startswith(
        "k1: cannot be reached, and k2, k3, m1 and nas get no answer to ARP for 192.0.2.21: check power, cable and port"
    )
    assert (verdict.layer, verdict.later) == (1, 16)


@pytest.mark.parametrize(
    ("change", "layer", "kind"),
    [
        (deaf("k1"), 3, "deaf"),
        (ports(22, "k1", "refused"), 4, "ssh"),
        (lambda network: None, 4, "login"),
    ],
)  # fmt: skip
def test_machine_that_ansible_does_not_reach(change: Change, layer: int, kind: str) -> None:
    network = Network()
    network.absent.add("k1")
    change(network)
    (verdict,) = judge(network.hosts())
    assert (verdict.node, verdict.layer, verdict.kind) == ("k1", layer, kind)


def test_nobody_could_be_asked() -> None:
    network = Network()
    network.absent.update(ADDRESSES)
    verdicts = judge(network.hosts())
    assert {verdict.node: verdict.kind for verdict in verdicts} == dict.fromkeys(ADDRESSES, "unreachable")


@pytest.mark.parametrize("name", ADDRESSES)
def test_cut_off_machine_is_blamed_for_all_that_others_miss(name: str) -> None:
    network = Network()
    network.dead(name)
    network.seen[name]["links"]["eth0"]["carrier"] = False
    (verdict,) = judge(network.hosts())
    assert (verdict.node, verdict.layer, verdict.kind) == (name, 1, "no carrier")
    assert verdict.later > 8


def test_what_a_thief_of_addresses_does_to_its_victim_is_the_thief_s() -> None:
    network = Network()
    network.seen["nas"]["addresses"].append({"address": ADDRESSES["k1"], "length": 32, "device": "eth0"})
    for name in ("k2", "k3", "m1"):
        network.seen[name]["arp"][ADDRESSES["k1"]] = sorted([MACS["k1"], MACS["nas"]])
        network.port(name, "k1", 10250, "refused")
    network.seen["k1"]["small"][ADDRESSES["m1"]]["answered"] = 12
    (verdict,) = judge(network.hosts())
    assert verdict.line == (
        "nas: it has 192.0.2.21 on eth0, which is the address of k1: remove it there, or correct the inventory; "
        "4 later failures follow from this"
    )
    network.absent.add("k1")
    (verdict,) = judge(network.hosts())
    assert verdict.node == "nas"


def test_dead_gateway_takes_the_blame_for_what_lies_behind_it() -> None:
    network = Network()
    for seen in network.seen.values():
        seen["arp"][GATEWAY] = []
        seen["dns"] = dict.fromkeys(seen["dns"], "timeout")
    (verdict,) = judge(network.hosts())
    assert verdict.node == f"gateway {GATEWAY}" and verdict.later == 9


def test_a_late_machine_counts_as_heard_when_its_question_was_answered() -> None:
    network = Network()
    for name in MEMBERS:
        if name != "k3":
            for kind in ("heard", "answered"):
                network.seen[name]["exchange"][kind].remove(ADDRESSES["k3"])
    assert judge(network.hosts()) == []
