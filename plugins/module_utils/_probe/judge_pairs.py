# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what hosts see of each other, and whose fault it is when they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import (
    Fault,
    Host,
    Known,
    Pair,
    blame,
    names,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Evidence

# Of twenty packets two may be lost by chance, on a busy machine.
LOST = 3
USUAL_MTU = 1500


def pair_faults(hosts: Sequence[Host], known: Known) -> list[Fault]:
    """Faults that only the comparison of all hosts' evidence shows."""
    seen = {host.name: host.evidence for host in hosts if host.evidence is not None}
    faults = [*_mtu(seen), *_macs(seen)]
    known = known.joined(faults)
    for check in (_neighbours, _reach, _loss, _path, _exchange, _inside):
        more = list(check(hosts, seen, known))
        known = known.joined(more)
        faults += more
    return faults


Seen = dict[str, Evidence]


def addressed(hosts: Sequence[Host], seen: Seen) -> Iterator[tuple[Host, Host]]:
    """Every host that saw something with every other that did."""
    for host in hosts:
        for other in hosts:
            if host is not other and host.name in seen and other.name in seen:
                yield host, other


def _mtu(seen: Seen) -> Iterator[Fault]:
    found = {name: (evidence["interface"], _mtu_of(evidence)) for name, evidence in seen.items()}
    known = Counter(mtu for _link, mtu in found.values() if mtu)
    if len(known) < 2:
        return
    usual = max(known, key=lambda mtu: (known[mtu], mtu == USUAL_MTU, mtu))
    for name, (link, mtu) in sorted(found.items()):
        if mtu and mtu != usual:
            others = names([other for other, (_link, size) in found.items() if size == usual])
            yield Fault(
                name,
                3,
                4,
                "mtu",
                f"link {link} has an MTU of {mtu}, expected {usual} as {others} have: set it to {usual}",
            )


def _mtu_of(evidence: Evidence) -> int | None:
    mtu = (evidence["links"].get(evidence["interface"]) or {}).get("mtu")
    return int(mtu) if mtu else None


def _macs(seen: Seen) -> Iterator[Fault]:
    owners: dict[str, list[str]] = {}
    for name, evidence in seen.items():
        mac = (evidence["links"].get(evidence["interface"]) or {}).get("mac")
        if mac:
            owners.setdefault(mac, []).append(name)
    for mac, found in sorted(owners.items()):
        for name in found if len(found) > 1 else ():
            others = names([other for other in found if other != name])
            yield Fault(
                name, 2, 1, "duplicate mac", f"its MAC address {mac} is also that of {others}: give one of them another"
            )


def _neighbours(hosts: Sequence[Host], seen: Seen, known: Known) -> Iterator[Fault]:
    pairs = [
        Pair(host.name, other.name)
        for host, other in addressed(hosts, seen)
        if (seen[host.name].get("arp") or {}).get(other.wanted.address) == []
    ]
    for node, failed in blame(pairs, known).items():
        who = names([pair.target if pair.observer == node else pair.observer for pair in failed])
        yield Fault(
            node, 2, 2, "arp", f"it and {who} do not find each other by ARP: check switch, VLAN and cable", len(failed)
        )


def _echoes(host: Host, other: Host, seen: Seen, size: str) -> tuple[int, int]:
    """How many echoes were sent and answered; none sent when that was not tried."""
    result = (seen[host.name].get(size) or {}).get(other.wanted.address) or {}
    return result.get("sent", 0), result.get("answered", 0)


def _reach(hosts: Sequence[Host], seen: Seen, known: Known) -> Iterator[Fault]:
    pairs = []
    for host, other in addressed(hosts, seen):
        sent, answered = _echoes(host, other, seen, "small")
        if sent and not answered:
            pairs.append(Pair(host.name, other.name))
    for node, failed in blame(pairs, known).items():
        who = names([pair.target if pair.observer == node else pair.observer for pair in failed])
        yield Fault(
            node,
            3,
            5,
            "reach",
            f"it and {who} get no answer to pings: check routes, rules and packet filter",
            len(failed),
        )


def _loss(hosts: Sequence[Host], seen: Seen, known: Known) -> Iterator[Fault]:
    counts = {}
    for host, other in addressed(hosts, seen):
        sent, answered = _echoes(host, other, seen, "small")
        if answered and sent - answered >= LOST:
            counts[Pair(host.name, other.name)] = (sent, sent - answered)
    for node, failed in blame(list(counts), known).items():
        mine = [
            _echoes(host, other, seen, "small")
            for host, other in addressed(hosts, seen)
            if node in (host.name, other.name)
        ]
        sent, lost = sum(pair[0] for pair in mine), sum(pair[0] - pair[1] for pair in mine)
        yield Fault(
            node, 3, 6, "loss",
            f"{100 * lost / sent:.0f} % of the packets to and from its peers are lost ({lost} of {sent}), expected "
            "none: check cable, port and packet filter", len(failed),
        )  # fmt: skip


def _path(hosts: Sequence[Host], seen: Seen, known: Known) -> Iterator[Fault]:
    pairs = []
    for host, other in addressed(hosts, seen):
        sent, answered = _echoes(host, other, seen, "big")
        if sent and not answered and _echoes(host, other, seen, "small")[1]:
            pairs.append(Pair(host.name, other.name, str(_mtu_of(seen[host.name]) or USUAL_MTU)))
    for node, failed in blame(pairs, known).items():
        who = names([pair.target if pair.observer == node else pair.observer for pair in failed])
        yield Fault(
            node, 3, 7, "path mtu",
            f"packets of {failed[0].detail} bytes between it and {who} are lost while small ones arrive, so VXLAN "
            "loses the big ones: make the MTU of its link, port and switch the same as the others'", len(failed),
        )  # fmt: skip


def _exchange(hosts: Sequence[Host], seen: Seen, known: Known) -> Iterator[Fault]:
    """A datagram came in when it was heard, or when the other side got an answer to its own."""
    pairs = []
    for host, other in addressed(hosts, seen):
        mine, its = seen[host.name].get("exchange"), seen[other.name].get("exchange")
        if not (mine and its and host.wanted.tunnel and other.wanted.tunnel):
            continue
        if other.wanted.address not in mine["heard"] and host.wanted.address not in its["answered"]:
            pairs.append(Pair(other.name, host.name))
    ports = {host.name: host.wanted.tunnel_port for host in hosts}
    for node, failed in blame(pairs, known).items():
        heard_by = [pair.observer for pair in failed if pair.target == node]
        unheard = [pair.target for pair in failed if pair.observer == node]
        port = ports[node]
        what = f"from {names(heard_by)} do not arrive" if heard_by else f"do not arrive at {names(unheard)}"
        if heard_by and unheard:
            what = f"from and to {names([*heard_by, *unheard])} do not arrive"
        yield Fault(
            node,
            4,
            0,
            "vxlan",
            f"UDP packets to port {port} (VXLAN) {what}: let them through its packet filter",
            len(failed),
        )


def _inside(hosts: Sequence[Host], seen: Seen, known: Known) -> Iterator[Fault]:
    """The tunnel itself, where it carries anything at all: a container network need not answer pings."""
    results = {
        Pair(host.name, other.name): ((seen[host.name].get("exchange") or {}).get("inside") or {}).get(
            other.wanted.address
        )
        for host, other in addressed(hosts, seen)
    }
    if not any(results.values()):
        return
    failed_pairs = [pair for pair, answered in results.items() if answered == 0]
    for node, failed in blame(failed_pairs, known).items():
        who = names([pair.target if pair.observer == node else pair.observer for pair in failed])
        port = {host.name: host.wanted.tunnel_port for host in hosts}[node]
        text = (
            f"the tunnel between it and {who} carries nothing, though datagrams to port {port} (VXLAN) come in: let "
            "them through its packet filter, and look at its Cilium pod"
        )
        yield Fault(node, 4, 0, "vxlan", text, len(failed))
