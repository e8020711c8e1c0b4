# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gateway and BGP in the inventory."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse import parse
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules import advice, check

from .inventory_samples import inventory, put

GATEWAY = {"namespace": "networking", "name": "main", "address": "192.168.10.224", "domain": "example.net"}
BGP = {"local_asn": 64512, "peer_asn": 64513, "peer_address": "192.168.10.1"}


def judged(gateway: Any = GATEWAY, bgp: Any = BGP, **site_values: Any) -> tuple[list[str], list[str]]:
    machines, site = inventory()
    put(machines, "k3s1.homelab_node.labels", {"bgp": "enabled"})
    found, shape = parse(machines, site | {"homelab_gateway": gateway, "homelab_bgp": bgp} | site_values)
    return [problem.sentence for problem in shape] + check(found), advice(found)


def test_the_homelabs_own_is_in_order() -> None:
    assert judged() == ([], [])
    assert judged({}, {}) == ([], [])
    assert judged(None, None) == ([], [])


WRONG = [
    (
        {**GATEWAY, "address": "192.168.10.40"},
        BGP,
        "homelab_gateway.address: 192.168.10.40 lies outside homelab_load_balancer_cidr",
    ),
    ({**GATEWAY, "address": "x"}, BGP, "homelab_gateway.address: 'x'"),
    ({**GATEWAY, "domian": "x"}, BGP, "homelab_gateway"),
    (
        GATEWAY,
        {**BGP, "peer_address": "192.168.20.1"},
        "homelab_bgp.peer_address: 192.168.20.1 lies outside the node network",
    ),
    (GATEWAY, {**BGP, "peer_address": "192.168.10.21"}, "homelab_bgp.peer_address: 192.168.10.21 is a machine of this"),
    (GATEWAY, {**BGP, "peer_asn": 64512}, "homelab_bgp: cluster and router have one AS number, 64512"),
    (GATEWAY, {**BGP, "local_asn": 4294967295}, "homelab_bgp.local_asn: 4294967295 is no AS number"),
    (GATEWAY, {**BGP, "label": "bgp"}, "homelab_bgp.label: 'bgp' is not a label; write key=value"),
    (GATEWAY, {"local_asn": 64512}, "homelab_bgp.peer_address"),
]


@pytest.mark.parametrize(("gateway", "bgp", "said"), WRONG)
def test_what_cannot_work_is_refused(gateway: Any, bgp: Any, said: str) -> None:
    problems, _warnings = judged(gateway, bgp)
    assert any(sentence.startswith(said) for sentence in problems), problems


def test_an_address_needs_a_pool() -> None:
    problems, _warnings = judged(homelab_load_balancer_cidr=None)
    assert problems == [
        "homelab_gateway.address needs homelab_load_balancer_cidr, out of which it is handed out; set it"
    ]


def test_a_router_without_a_labelled_node_is_a_warning() -> None:
    problems, warnings = judged(bgp={**BGP, "label": "router=yes"})
    assert problems == []
    assert warnings == [
        "homelab_bgp names a router, but no node is labelled router=yes; add it to homelab_node.labels of some"
    ]
