# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the parts of the inventory about Gateway and BGP, typed."""

from __future__ import annotations

import re

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import GatewayWish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.reader import Form, Reader

NAME = Form("a name", re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"), "write lower-case letters, digits and -")
DOMAIN = Form("a domain", re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+"), "write it in lower case, e.g. example.net")
LABEL = Form("a label", re.compile(r"[A-Za-z0-9./_-]+=[A-Za-z0-9._-]+"), "write key=value, e.g. bgp=enabled")


def parse_gateway(gateway: Reader, bgp: Reader) -> GatewayWish:
    """What rules ask about; everything else is only checked."""
    gateway = gateway.mapping(("namespace", "name", "address", "domain", "tls_secret"), required=False)
    address = None
    if gateway.is_mapping and gateway.value:
        gateway["namespace"].text(NAME)
        gateway["name"].text(NAME)
        gateway["domain"].text(DOMAIN)
        gateway["tls_secret"].text(NAME, required=False)
        address = gateway["address"].address()
    bgp = bgp.mapping(("local_asn", "peer_asn", "peer_address", "label", "pods"), required=False)
    if not (bgp.is_mapping and bgp.value):
        return GatewayWish(address)
    label = bgp["label"].text(LABEL, required=False)
    bgp["pods"].flag()
    return GatewayWish(
        address,
        bgp["peer_address"].address(),
        bgp["local_asn"].number(required=True),
        bgp["peer_asn"].number(required=True),
        label or "bgp=enabled",
    )
