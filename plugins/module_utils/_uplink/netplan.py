# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: netplan's definitions of an uplink, taken out of the owner's files into one. Pure."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from typing import Any

from .model import Found, Link, Static, Wanted

OURS = "/etc/netplan/90-homelab-uplink.yaml"
MARK = "10-netplan-"
# What an address of IPv4 consists of; the rest of a definition, as its match and what is about IPv6, is kept.
REPLACED = ("dhcp4", "dhcp4-overrides", "dhcp-identifier", "gateway4", "critical")
DEFAULTS = ("default", "0.0.0.0/0", "0/0")

Definition = dict[str, Any]


def made_by_netplan(link: Link) -> bool:
    """Whether the file that configures a device is netplan's."""
    return os.path.basename(link.file).startswith(MARK)


def definition_id(name: str, link: Link) -> str:
    """What netplan calls a device: its own files are named after it."""
    base = os.path.basename(link.file)
    return base[len(MARK) :].removesuffix(".network") if base.startswith(MARK) else name


def netplan_documents(wanted: Wanted, found: Found, mac: str) -> dict[str, Definition]:
    """Path -> document for each file that has to change, and for ours.

    netplan joins the lists of all its files, so an address that stands in another one would be there beside ours.
    """
    if wanted.static is None:
        return {}
    names = [wanted.nic.name, *([wanted.bond.backup.name] if wanted.bond else [])]
    ids = {name: definition_id(name, found.links[name]) for name in names}
    bond = wanted.bond.name if wanted.bond else None
    documents = {}
    for path, document in found.netplan.items():
        rest = _without(document, set(ids.values()), bond)
        if path != OURS and rest != document:
            documents[path] = rest
    ethernets = {ids[name]: _merged(found.netplan, "ethernets", ids[name]) for name in names}
    network: Definition = {"version": 2, "ethernets": ethernets}
    if wanted.bond is None:
        ethernets[ids[wanted.nic.name]] = _addressed(ethernets[ids[wanted.nic.name]], wanted.static)
    else:
        first = ids[wanted.nic.name]
        old = {key: value for key, value in ethernets[first].items() if key in ("addresses", "routes", "nameservers")}
        old = {**old, **_merged(found.netplan, "bonds", wanted.bond.name)}
        for name in ids.values():
            ethernets[name] = _bare(ethernets[name])
        parts = [first, ids[wanted.bond.backup.name]]
        network["bonds"] = {wanted.bond.name: {**_addressed(old, wanted.static), **_bonding(parts, mac)}}
    documents[OURS] = {"network": network}
    return documents


def _bonding(parts: list[str], mac: str) -> Definition:
    return {
        "interfaces": parts,
        "macaddress": mac,
        "parameters": {
            "mode": "active-backup",
            "primary": parts[0],
            "mii-monitor-interval": 100,
            "primary-reselect-policy": "always",
            "fail-over-mac-policy": "none",
        },
    }


def _bare(definition: Definition) -> Definition:
    """What is about the device itself."""
    gone = (*REPLACED, "addresses", "routes", "nameservers", "dhcp6", "dhcp6-overrides", "gateway6", "accept-ra")
    return {key: value for key, value in definition.items() if key not in gone}


def _addressed(definition: Definition, static: Static) -> Definition:
    kept = {key: value for key, value in definition.items() if key not in REPLACED}
    servers = dict(kept.get("nameservers") or {})
    servers["addresses"] = [*static.dns, *(each for each in servers.get("addresses") or [] if ":" in str(each))]
    others = [each for each in kept.get("addresses") or [] if ":" in str(each)]
    routes = [route for route in kept.get("routes") or [] if str(route.get("to")) not in DEFAULTS]
    return {
        **kept,
        "dhcp4": False,
        "addresses": [static.address, *others],
        "routes": [{"to": "0.0.0.0/0", "via": static.gateway}, *routes],
        "nameservers": servers,
    }


def _without(document: Mapping[str, Any], ids: set[str], bond: str | None) -> Definition:
    rest = copy.deepcopy(dict(document))
    network = rest.get("network") or {}
    for section, gone in (("ethernets", ids), ("bonds", {bond})):
        found = network.get(section)
        if found and gone & set(found):
            network[section] = {name: value for name, value in found.items() if name not in gone}
            if not network[section]:
                del network[section]
    return rest


def _merged(documents: Mapping[str, Mapping[str, Any]], section: str, name: str) -> Definition:
    """As netplan reads its files, by name: a later scalar counts, lists are joined."""
    found: Definition = {}
    for path in sorted(documents, key=os.path.basename):
        found = _join(found, (((documents[path].get("network") or {}).get(section)) or {}).get(name) or {})
    return found


def _join(one: Definition, other: Mapping[str, Any]) -> Definition:
    result = dict(one)
    for key, value in other.items():
        before = result.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            result[key] = _join(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            result[key] = before + [each for each in value if each not in before]
        else:
            result[key] = value
    return result
