# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of the judgement: whatever goes wrong together."""

from __future__ import annotations

import random

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.verdict import judge
from tests.unit.plugins.module_utils._probe.town import ADDRESSES, Change, Network, link_of, own, ports


@pytest.mark.parametrize("seed", range(40))
def test_every_fault_gets_its_own_verdict_whatever_else_is_wrong(seed: int) -> None:
    """Property: faults at different machines are each named on their machine, lowest first, and nobody else is."""
    chance = random.Random(seed)
    changes: dict[str, tuple[Change, int]] = {}
    for name in chance.sample(sorted(ADDRESSES), chance.randint(1, 3)):
        change, layer = chance.choice(
            [
                (link_of(name, speed=1000), 1),
                (link_of(name, duplex="half"), 1),
                (own(name, local_rule=False), 3),
                (own(name, routes=[]), 3),
                (own(name, leftovers=["interface flannel.1"]), 3),
                (own(name, clock=400.0), 3),
                (ports(22, name, "timeout"), 4),
            ]
        )
        changes[name] = (change, layer)
    network = Network()
    for change, _layer in changes.values():
        change(network)
    verdicts = judge(network.hosts())
    assert {verdict.node: verdict.layer for verdict in verdicts} == {
        name: layer for name, (_, layer) in changes.items()
    }
    assert len({verdict.node for verdict in verdicts}) == len(verdicts)


@pytest.mark.parametrize("seed", range(40))
def test_any_evidence_is_judged(seed: int) -> None:
    """Property: however much is missing, the judge answers, with one line for each node, in the order of layers."""
    chance = random.Random(seed)
    network = Network()
    for name in chance.sample(sorted(ADDRESSES), chance.randint(0, 2)):
        network.dead(name)
    for name in ADDRESSES:
        for key in ("arp", "small", "big", "exchange", "dns", "ntp", "tcp", "events", "increase", "clock"):
            if chance.random() < 0.3:
                network.seen[name][key] = None
        if chance.random() < 0.3:
            network.absent.add(name)
        if chance.random() < 0.2:
            network.seen[name].update(interface=None, links={}, has_address=False, addresses=[])
    verdicts = judge(network.hosts())
    assert len({verdict.node for verdict in verdicts}) == len(verdicts)
    assert network.absent <= {verdict.node for verdict in verdicts}
    assert all(verdict.line.count("\n") == 0 for verdict in verdicts)
