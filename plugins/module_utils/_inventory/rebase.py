# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: move every address of a description out of one network into another."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

_IPV4 = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?![\w.])")

Network = ipaddress.IPv4Network
Rebase = Mapping[Network, Network]


def parse_rebase(option: Mapping[str, str]) -> dict[Network, Network]:
    """Turn {"192.168.10.0/24": "198.18.10.0/24"} into networks; raise ValueError naming what does not fit."""
    result: dict[Network, Network] = {}
    for source, target in option.items():
        pair = ipaddress.IPv4Network(source), ipaddress.IPv4Network(target)
        if pair[0].prefixlen < pair[1].prefixlen:
            raise ValueError(f"rebase: {source} does not fit into {target}; give a target of the same size or larger")
        result[pair[0]] = pair[1]
    return result


def _move(text: str, rebase: Rebase) -> str:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return text
    for source, target in rebase.items():
        if address in source:
            offset = int(address) - int(source.network_address)
            return str(ipaddress.IPv4Address(int(target.network_address) + offset))
    return text


def rebase_value(value: object, rebase: Rebase) -> object:
    """A copy of value (any YAML value) with every IPv4 address in its strings and keys moved."""
    if isinstance(value, str):
        return _IPV4.sub(lambda match: _move(match.group(1), rebase), value)
    if isinstance(value, Mapping):
        return {rebase_value(key, rebase): rebase_value(item, rebase) for key, item in value.items()}
    if isinstance(value, list):
        return [rebase_value(item, rebase) for item in value]
    return value
