# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what a host knows of its network without sending a packet; the cheap part of a probe."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe import (
    check_tcp,
    read_kernel_log,
    read_leftovers,
    read_link,
    read_routes,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Nic, Wanted

CONTAINER_MARKS = ("run/.containerenv", ".dockerenv", "run/systemd/container")


def local(wanted: Wanted, root: Path) -> dict[str, Any]:
    """What the host knows without sending a packet."""
    found = read_link.links(root)
    addresses = read_routes.addresses()
    name = interface(wanted, found, addresses)
    rules = read_routes.rules()
    in_container = any((root / mark).exists() for mark in CONTAINER_MARKS)
    # a container reads the log of the machine it runs on
    lines = None if in_container else read_kernel_log.kernel_lines()
    return {
        "name": wanted.name,
        "address": wanted.address,
        "controller_time": wanted.controller_time,
        "clock": None if wanted.controller_time is None else round(time.time() - wanted.controller_time, 3),
        "uptime": _uptime(root),
        "interface": name,
        "missing": [nic.name for nic in wanted.nics if nic.primary and not (in_container or _match(nic, found))],
        "addresses": [entry for entry in addresses if not entry["address"].startswith("127.")],
        "links": {each: found[each] for each in sorted(_shown(wanted, found, name))},
        "macs": sorted({link["mac"] for link in found.values() if link["mac"]}),
        "events": None if lines is None else read_kernel_log.events(lines),
        "has_address": any(entry["address"] == wanted.address for entry in addresses),
        "local_rule": read_routes.has_local_rule(rules),
        "rules": rules,
        "routes": read_routes.routes(),
        "listening": check_tcp.listening(root),
        "cilium": "cilium_host" in found,
        "leftovers": read_leftovers.leftovers(root, list(found), wanted.container_network),
    }


def interface(wanted: Wanted, found: Mapping[str, Any], addresses: list[dict[str, Any]]) -> str | None:
    """The interface that should carry the host's address: by the inventory's MAC or name, else the one that does."""
    carriers = [entry["device"] for entry in addresses if entry["address"] == wanted.address]
    matches = [name for nic in wanted.nics if nic.primary for name in _match(nic, found)]
    if matches:
        return matches[0]
    return carriers[0] if carriers else None


def _match(nic: Nic, found: Mapping[str, Any]) -> list[str]:
    by_mac = [name for name, link in found.items() if nic.mac and link["mac"] == nic.mac and not _upper(link)]
    return by_mac + [name for name in found if name == nic.name]


def _upper(link: Mapping[str, Any]) -> bool:
    # a bridge, bond or VLAN shares the MAC address of the interface below
    return link["bus"] is None and link["driver"] is None and link["master"] is None


def _shown(wanted: Wanted, found: Mapping[str, Any], name: str | None) -> set[str]:
    known = {nic.name for nic in wanted.nics} | {name}
    return {each for each, link in found.items() if each in known or link["bus"] is not None or link.get("bond")}


def _uptime(root: Path) -> float:
    path = root / "proc/uptime"
    return float(path.read_text().split()[0]) if path.exists() else 0.0
