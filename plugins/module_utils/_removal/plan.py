# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: whether a cluster can do without a node; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._action import Action

_SERVER = "node-role.kubernetes.io/control-plane"
_MEMBER = "node-role.kubernetes.io/etcd"


@dataclass(frozen=True)
class Node:
    """A node, as far as its removal is concerned."""

    name: str
    ready: bool
    server: bool = False
    # of etcd
    member: bool = False


class RemovalError(Exception):
    """The cluster cannot do without the node; one sentence per reason."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = list(reasons)


def node_from(document: Mapping[str, Any]) -> Node:
    """A Node object of the API."""
    labels = document["metadata"].get("labels") or {}
    conditions = (document.get("status") or {}).get("conditions") or []
    return Node(
        document["metadata"]["name"],
        any(item["type"] == "Ready" and item["status"] == "True" for item in conditions),
        labels.get(_SERVER) == "true",
        labels.get(_MEMBER) == "true",
    )


def plan(name: str, nodes: Sequence[Node]) -> list[Action]:
    """The steps; raise RemovalError with every refusal."""
    node = next((each for each in nodes if each.name == name), None)
    if node is None:
        return []
    reasons = [*_servers(node, nodes), *_votes(node, nodes)]
    if reasons:
        raise RemovalError(reasons)
    return [Action("delete_node", name, f"delete the Node object {name}, and with it its password in the cluster")]


def _servers(node: Node, nodes: Sequence[Node]) -> list[str]:
    others = [each for each in nodes if each.server and each.name != node.name]
    if not node.server or any(each.ready for each in others):
        return []
    if not others:
        return [
            f"{node.name} is the only server, expected another one to be left; "
            "add a server first, or reset the whole cluster with reset_node.yml"
        ]
    names = ", ".join(each.name for each in others)
    return [f"{node.name} is the only server that is Ready, expected one of {names} to be; bring it back first"]


def _votes(node: Node, nodes: Sequence[Node]) -> list[str]:
    """Letting a member go takes a majority of all, itself included, and later steps take one of the rest."""
    members = [each for each in nodes if each.member]
    if not node.member or len(members) < 2:
        return []
    now = sum(each.ready for each in members)
    later = sum(each.ready for each in members if each.name != node.name)
    enough_now, enough_later = len(members) // 2 + 1, (len(members) - 1) // 2 + 1
    down = ", ".join(each.name for each in members if not each.ready and each.name != node.name)
    if now >= enough_now and later >= enough_later:
        return []
    return [
        f"without {node.name} {later} of {len(members) - 1} etcd members would be Ready, expected at least "
        f"{enough_later} (and {enough_now} of {len(members)} now, of which {now} are); "
        f"bring {down or node.name} back, or remove it first"
    ]
