# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: whether a server stays, founds a cluster or joins one, by what all servers have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_PLACED = re.compile(r"""^(?P<key>cluster-init|server): *["']?(?P<value>[^\s"'#]+)""", re.MULTILINE)
FOUND = {"cluster-init": True}
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Server:
    """A server of the inventory; its datastore is etcd, sqlite, none, or unknown where the machine does not answer."""

    name: str
    address: str
    datastore: str


@dataclass(frozen=True)
class Wish:
    """Which server this is about, and what the inventory says."""

    name: str
    first: str
    api_address: str
    found_new_cluster: bool = False
    # what config.yaml says already
    placed: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Keys for config.yaml; the server that is joined; the one that has to found first; or why nothing may be done."""

    config: Mapping[str, object]
    joins: str = ""
    waits_for: str = ""
    reasons: tuple[str, ...] = ()


def placed_in(text: str) -> dict[str, object]:
    """The keys that a config.yaml of this collection has of those that are decided here."""
    found = {match["key"]: match["value"] for match in _PLACED.finditer(text)}
    return {key: value == "true" if key == "cluster-init" else value for key, value in found.items()}


def plan(servers: Sequence[Server], wish: Wish) -> Place:
    """Decide for one server."""
    own = next(server for server in servers if server.name == wish.name)
    others = [server for server in servers if server.name != wish.name]
    if own.datastore == "etcd":
        return Place(_kept(servers, wish))
    if own.datastore == "sqlite":
        return _converted(own, others)
    holders = [server for server in others if server.datastore == "etcd"]
    if holders:
        return Place({"server": _url(servers, holders, wish)}, joins=holders[0].name)
    return _founded(own, others, wish)


def _kept(servers: Sequence[Server], wish: Wish) -> Mapping[str, object]:
    # K3s reads these keys only while there is no datastore; a changed one would restart it for nothing.
    if wish.placed.get("cluster-init"):
        return FOUND
    known = {server.address for server in servers} | {wish.api_address}
    if _host(wish.placed.get("server")) in known:
        return {"server": wish.placed["server"]}
    if wish.name == wish.first:
        return FOUND
    return {"server": _at(wish.api_address)}


def _converted(own: Server, others: Sequence[Server]) -> Place:
    clusters = [server.name for server in others if server.datastore in ("etcd", "sqlite")]
    if not clusters:
        return Place(FOUND)
    why = (
        f"{own.name} keeps a cluster in SQLite and {', '.join(clusters)} another one, expected one cluster; move "
        f"/var/lib/rancher/k3s/server of the one that is not wanted away"
    )
    return Place({}, reasons=(why,))


def _founded(own: Server, others: Sequence[Server], wish: Wish) -> Place:
    older = [server.name for server in others if server.datastore == "sqlite"]
    silent = [server.name for server in others if server.datastore == UNKNOWN]
    if older:
        why = f"{older[0]} keeps its data in SQLite, expected etcd before {own.name} joins; build {older[0]} first"
        return Place({}, reasons=(f"{why}, with k3s_server_convert_sqlite: true",))
    if silent and not wish.found_new_cluster:
        why = (
            f"{', '.join(silent)} cannot be reached and no other server has a datastore, so {own.name} may be a lost "
            "server of a cluster that lives; bring them back, or say k3s_server_found_new_cluster: true"
        )
        return Place({}, reasons=(why,))
    empty = [server.name for server in (own, *others) if server.datastore == "none"]
    founder = wish.first if wish.first in empty else own.name
    if founder == own.name:
        return Place(FOUND)
    address = next(server.address for server in others if server.name == founder)
    return Place({"server": _at(address)}, joins=founder, waits_for=founder)


def _url(servers: Sequence[Server], holders: Sequence[Server], wish: Wish) -> str:
    """An address that moves between servers, else that of a server which has the data."""
    addresses = [server.address for server in holders]
    moves = wish.api_address not in {server.address for server in servers}
    usable = [wish.api_address, *addresses] if moves or wish.api_address in addresses else addresses
    placed = _host(wish.placed.get("server"))
    return _at(placed if placed in usable else usable[0])


def _at(address: str) -> str:
    return f"https://[{address}]:6443" if ":" in address else f"https://{address}:6443"


def _host(url: object) -> str:
    return (urlsplit(str(url)).hostname or "") if url else ""
