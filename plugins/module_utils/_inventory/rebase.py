# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: move every address of a description out of one network into another."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.describe import DescriptionError

# Not inside a longer word or number: neither v1.2.3.4 nor 1.2.3.4.5 holds an address. A sentence may end with one.
_IPV4 = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?!\w|\.\w)")

Network = ipaddress.IPv4Network
Rebase = Mapping[Network, Network]


def parse_rebase(option: Mapping[str, object]) -> dict[Network, Network]:
    """Turn {"192.168.10.0/24": "198.18.10.0/24"} into networks; raise DescriptionError naming what does not fit."""
    result: dict[Network, Network] = {}
    for key, value in option.items():
        source, target = _network(key), _network(value)
        if source.prefixlen < target.prefixlen:
            raise DescriptionError(f"rebase: {source} does not fit into {target}; give a target at least as large")
        if any(source.overlaps(other) for other in result):
            raise DescriptionError(f"rebase: {source} overlaps another source; name each network once")
        result[source] = target
    return result


def _network(text: object) -> Network:
    try:
        return ipaddress.IPv4Network(str(text))
    except ValueError as error:
        raise DescriptionError(f"rebase: '{text}' is not an IPv4 network; write it as 192.168.10.0/24") from error


def _move(text: str, rebase: Rebase) -> str:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return text
    for source, target in rebase.items():
        if address in source:
            return str(target.network_address + (int(address) - int(source.network_address)))
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
