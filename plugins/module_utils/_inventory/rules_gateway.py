# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what Gateway, pool of addresses and BGP may not say together."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import Inventory

LARGEST_ASN = 4294967294


def check_gateway(inventory: Inventory) -> Iterator[str]:
    """The Gateway's address comes out of the pool, and the router is no member of it."""
    site = inventory.site
    wish = site.gateway_wish
    if wish.address and site.load_balancer and wish.address not in site.load_balancer:
        yield (
            f"homelab_gateway.address: {wish.address} lies outside homelab_load_balancer_cidr {site.load_balancer}, "
            "so it could never be handed out; use an address inside it"
        )
    elif wish.address and site.load_balancer is None:
        yield "homelab_gateway.address needs homelab_load_balancer_cidr, out of which it is handed out; set it"
    if wish.peer and site.network and wish.peer not in site.network:
        yield (
            f"homelab_bgp.peer_address: {wish.peer} lies outside the node network {site.network}, and a session over "
            "another router needs more than this collection sets; use the router's address inside it"
        )
    if wish.peer and any(machine.address == wish.peer for machine in inventory.machines):
        yield f"homelab_bgp.peer_address: {wish.peer} is a machine of this inventory; name the router"
    if wish.local_asn and wish.local_asn == wish.peer_asn:
        yield f"homelab_bgp: cluster and router have one AS number, {wish.local_asn}; give the cluster its own"
    for name, number in (("local_asn", wish.local_asn), ("peer_asn", wish.peer_asn)):
        if number is not None and not 0 < number <= LARGEST_ASN:
            yield f"homelab_bgp.{name}: {number} is no AS number; use one from 1 to {LARGEST_ASN}, e.g. 64512"


def advise_gateway(inventory: Inventory) -> Iterator[str]:
    """BGP is spoken by labelled nodes only, and a forgotten label is a session that stays away (incident I-14)."""
    wish = inventory.site.gateway_wish
    members = [machine for machine in inventory.machines if machine.wish]
    if not wish.peer or not members:
        return
    key, _equals, value = wish.label.partition("=")
    if not any(machine.wish and machine.wish.labels.get(key) == value for machine in members):
        yield f"homelab_bgp names a router, but no node is labelled {wish.label}; add it to homelab_node.labels of some"
