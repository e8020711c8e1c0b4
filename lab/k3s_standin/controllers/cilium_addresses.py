# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DOUBLE of Cilium's address management: which address of which pool a Gateway gets."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

from lab.k3s_standin.api.errors import Obj

Range = tuple[int, int]


def ranges(pool: Obj, first_and_last: bool = True) -> list[Range]:
    """First and last address of each block, as numbers."""
    found = []
    for block in pool["spec"].get("blocks") or ():
        if "cidr" in block:
            network = IPv4Network(block["cidr"])
            low, high = int(network.network_address), int(network.broadcast_address)
            # the setting is ignored for networks of one or two addresses
            inner = not first_and_last and network.prefixlen < 31
            found.append((low + 1, high - 1) if inner else (low, high))
        else:
            start = int(IPv4Address(block["start"]))
            found.append((start, int(IPv4Address(block["stop"])) if block.get("stop") else start))
    return found


def overlap(some: Iterable[Range], others: Iterable[Range]) -> bool:
    """Whether two pools share an address."""
    listed = list(others)
    return any(low <= last and first <= high for low, high in some for first, last in listed)


def choose(pools: Iterable[Obj], wanted: str, first_and_last: bool) -> str:
    """The wanted address where a pool has it, else the first of all; empty where none can be had.

    first_and_last is the default of allowFirstLastIPs, which changed from No to Yes with Cilium 1.16.
    """
    free = []
    for pool in pools:
        setting = pool["spec"].get("allowFirstLastIPs")
        free += ranges(pool, first_and_last if setting is None else setting == "Yes")
    if wanted:
        number = int(IPv4Address(wanted))
        return wanted if any(low <= number <= high for low, high in free) else ""
    return str(IPv4Address(free[0][0])) if free else ""
