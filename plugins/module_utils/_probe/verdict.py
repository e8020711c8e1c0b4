# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: from all hosts' evidence to one line for each node with a fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import Fault, Host, Known
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.judge_absent import absent_faults
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.judge_addresses import address_faults
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.judge_local import local_faults
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.judge_outside import outside_faults
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.judge_pairs import pair_faults

# These hide nothing that lies outside the machine.
HARMLESS = ("leftovers", "speed", "duplex", "errors", "clock")

# The kernel answers ARP only for addresses that its local table leads to.
BEFORE_ARP = {"address": (2, -2), "rules": (2, -1)}


@dataclass(frozen=True)
class Verdict:
    """The cause on one node, and what follows from it."""

    node: str
    layer: int
    kind: str
    line: str
    later: int
    followers: tuple[str, ...]


def judge(hosts: Sequence[Host]) -> list[Verdict]:
    """One verdict for each node with a fault, none when all is well."""
    addresses, taken = address_faults(hosts)
    faults = [*addresses, *absent_faults(hosts)]
    for host in hosts:
        if host.evidence is not None:
            faults += local_faults(host.wanted, host.evidence)
    # what a victim of a duplicate misses is no news of anybody else
    victims = Known(frozenset(taken), frozenset(taken))
    faults += pair_faults(hosts, victims.joined(faults))
    faults += outside_faults(hosts, victims.joined([fault for fault in faults if fault.kind not in HARMLESS]))
    return [_verdict(node, own) for node, own in _by_node(faults, taken)]


def _by_node(faults: Sequence[Fault], taken: dict[str, str]) -> list[tuple[str, list[Fault]]]:
    """The faults of each node in the order of their layers; what the victim of a duplicate suffers is the other's."""
    found: dict[str, list[Fault]] = {}
    for fault in faults:
        thief = taken.get(fault.node)
        mine = replace(fault, node=thief, layer=max(fault.layer, 2), rank=99) if thief else fault
        found.setdefault(mine.node, []).append(mine)
    for own in found.values():
        own.sort(key=_order)
    return sorted(found.items(), key=lambda entry: _order(entry[1][0]))


def _order(fault: Fault) -> tuple[int, int, str, str]:
    layer, rank = BEFORE_ARP.get(fault.kind, (fault.layer, fault.rank))
    return layer, rank, fault.node, fault.sentence


def _verdict(node: str, faults: Sequence[Fault]) -> Verdict:
    first, *others = faults
    later = first.checks - 1 + sum(fault.checks for fault in others)
    more = {0: "", 1: "; 1 later failure follows from this"}.get(later, f"; {later} later failures follow from this")
    return Verdict(
        node,
        first.layer,
        first.kind,
        f"{node}: {first.sentence}{more}",
        later,
        tuple(fault.sentence for fault in others),
    )
