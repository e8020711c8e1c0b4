# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the gateway, and the name servers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import Fault, Host, Known, names
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.judge_clocks import (
    controller_clock,
    time_servers,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.judge_pairs import Seen
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.judge_ports import ports
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.sharing import (
    Circumstances,
    Outside,
    is_common,
    shared,
)


def outside_faults(hosts: Sequence[Host], known: Known) -> list[Fault]:
    """Gateway, name servers, clocks and ports; what only a host with a fault misses counts as its own."""
    seen = {host.name: host.evidence for host in hosts if host.evidence is not None}
    found = list(_gateway(hosts, seen, known))
    dead = next((fault.node for fault in found if fault.kind == "gateway silent"), None)
    around = Circumstances(hosts, known.joined(found), dead)
    return [
        *found,
        *_resolvers(seen, around),
        *controller_clock(seen, {host.name: host.delay for host in hosts}),
        *time_servers(seen, around),
        *ports(seen, around),
    ]


def _gateway(hosts: Sequence[Host], seen: Seen, known: Known) -> Iterator[Fault]:
    asked: dict[str, list[str]] = {}
    address = next((host.wanted.gateway for host in hosts if host.wanted.gateway), "") or ""
    for host in hosts:
        arp = (seen.get(host.name) or {}).get("arp") or {}
        if host.wanted.gateway == address and address in arp:
            asked[host.name] = arp[address]
    silent = [name for name, macs in asked.items() if not macs]
    several = sorted({mac for macs in asked.values() for mac in macs})
    if silent and is_common(silent, list(asked), known):
        text = f"answers none of {len(asked)} hosts by ARP: check the router"
        yield Fault(f"gateway {address}", 2, 3, "gateway silent", text, len(silent))
    else:
        for name in silent:
            text = f"the gateway {address} does not answer it by ARP, but others: check switch and VLAN"
            yield Fault(name, 2, 3, "gateway arp", text)
    if len(several) > 1:
        text = f"{names(several)} all claim its address: find the device that is not the router"
        yield Fault(f"gateway {address}", 2, 0, "duplicate ip", text)


def _resolvers(seen: Seen, around: Circumstances) -> Iterator[Fault]:
    views: dict[str, dict[str, str]] = {}
    for name, evidence in seen.items():
        for server, result in (evidence.get("dns") or {}).items():
            views.setdefault(server, {})[name] = result or "timeout"
    for server, answers in sorted(views.items()):
        failed = sorted(name for name, result in answers.items() if result != "answers")
        how = names([answers[name] for name in failed])
        place = Outside(
            f"name server {server}",
            server,
            (3, 10, "dns"),
            f"answers none of {len(answers)} hosts ({how}): start it, or correct homelab_node_network.dns",
            f"the name server {server} does not answer it ({how}), but others: check route and packet filter",
        )
        yield from shared(place, failed, list(answers), around)
