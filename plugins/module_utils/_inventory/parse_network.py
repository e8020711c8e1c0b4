# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: how a node is to be on the network, typed."""

from __future__ import annotations

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import NetworkWish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.reader import Reader


def network_wish(place: Reader) -> NetworkWish | None:
    """What is to be written down on the node; None where the inventory says nothing of it."""
    if place.absent or not place.mapping(("static", "bond")).is_mapping:
        return None
    bond = place["bond"]
    if bond.absent or not bond.mapping(("name", "backup")).is_mapping:
        return NetworkWish(place["static"].flag())
    return NetworkWish(place["static"].flag(), bond["name"].text(required=False) or "bond0", bond["backup"].text())
