# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of the etcd cluster: listed, added one at a time, promoted when they have caught up, removed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from lab.k3s_standin import log
from lab.k3s_standin.config import ConfigError
from lab.k3s_standin.etcd_client import EtcdClient, EtcdError, Obj
from lab.k3s_standin.etcd_process import Member

_RETRY_SECONDS = 2.0
_PATIENCE = 300.0
# etcd's words for "not now": another one is joining, or one of the members does not answer.
_LATER = ("too many learner members", "unhealthy cluster", "not enough started members", "no leader", "timed out")


@dataclass(frozen=True)
class Listed:
    """One member as the others know it; one that never started has no name."""

    identity: str
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    learner: bool

    @property
    def hosts(self) -> set[str]:
        """The addresses of this member."""
        return {urlsplit(url).hostname or "" for url in self.peer_urls}


def listed(client: EtcdClient) -> list[Listed]:
    """All members."""
    return [read(each) for each in client.call("/v3/cluster/member/list", {}).get("members") or []]


def read(document: Obj) -> Listed:
    """A member out of an answer."""
    return Listed(
        str(document["ID"]),
        str(document.get("name", "")),
        tuple(document.get("peerURLs") or ()),
        tuple(document.get("clientURLs") or ()),
        bool(document.get("isLearner", False)),
    )


def check_name(members: Sequence[Listed], own: Member, node: str) -> None:
    """Refuse a name or an address that a member has already: its data is elsewhere, or was lost."""
    for member in members:
        if member.name == own.name or (not member.name and own.address in member.hosts):
            continue
        if member.name.rpartition("-")[0] == node or own.address in member.hosts:
            raise ConfigError(
                "starting kubernetes: preparing server: start managed database: failed to join etcd cluster: "
                "duplicate node name found, please use a unique name for this node"
            )


def join(clients: Sequence[EtcdClient], own: Member, node: str) -> str:
    """Become a member; returns the cluster as a new member has to be told it."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return _join_once(clients, own, node)
        except EtcdError as error:
            problem = str(error)
            if not any(text in problem for text in _LATER) or time.monotonic() > until:
                raise ConfigError(
                    "starting kubernetes: preparing server: start managed database: "
                    f"failed to join etcd cluster: {error}"
                ) from error
        log.info(f"Waiting for other members to finish joining etcd cluster: {problem}")
        time.sleep(_RETRY_SECONDS)


def _join_once(clients: Sequence[EtcdClient], own: Member, node: str) -> str:
    client, members = _first_answer(clients)
    check_name(members, own, node)
    if not any(own.peer_url in member.peer_urls for member in members):
        learners = [member for member in members if member.learner or not member.name]
        if learners:
            raise EtcdError("etcdserver: too many learner members in cluster")
        client.call("/v3/cluster/member/add", {"peerURLs": [own.peer_url], "isLearner": True})
        log.info(f"Adding member {own.name}={own.peer_url} to etcd cluster")
        members = listed(client)
    names = {url: own.name if url == own.peer_url else member.name for member in members for url in member.peer_urls}
    return ",".join(f"{name}={url}" for url, name in sorted(names.items()))


def _first_answer(clients: Sequence[EtcdClient]) -> tuple[EtcdClient, list[Listed]]:
    problem: EtcdError | None = None
    for client in clients:
        try:
            return client, listed(client)
        except EtcdError as error:
            problem = error
    raise problem or EtcdError("no member has an address for clients")


def promote(client: EtcdClient) -> None:
    """Make learners that have caught up members that count; the elected server does this for all."""
    for member in listed(client):
        if member.learner and member.name:
            client.call("/v3/cluster/member/promote", {"ID": member.identity})
            log.info(f"Learner {member.name} has been promoted to a voting member")


def remove(client: EtcdClient, name: str) -> bool:
    """Remove a member by its name unless it is the last one; says whether one went."""
    members = listed(client)
    gone = next((each for each in members if each.name == name), None)
    if gone is None or len(members) == 1:
        return False
    client.call("/v3/cluster/member/remove", {"ID": gone.identity})
    log.info(f"Removed name={name} ID={gone.identity} address={','.join(sorted(gone.hosts))} from etcd")
    return True
