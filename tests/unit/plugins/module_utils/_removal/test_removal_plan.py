# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a cluster can do without a node."""

from __future__ import annotations

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._removal.plan import (
    Node,
    RemovalError,
    node_from,
    plan,
)


def servers(states: str, member: bool = True) -> list[Node]:
    """Servers s1, s2 and so on; + is Ready, - is not."""
    return [Node(f"s{number}", state == "+", True, member) for number, state in enumerate(states, 1)]


WORKERS = [Node("w1", True), Node("w2", False)]


@pytest.mark.parametrize(
    ("nodes", "name"),
    [
        ([*servers("+"), *WORKERS], "w1"),
        ([*servers("+"), *WORKERS], "w2"),
        (servers("++"), "s1"),
        (servers("+++"), "s1"),
        (servers("-++"), "s1"),
        (servers("+++--"), "s4"),
        (servers("+-", member=False), "s2"),
    ],
)
def test_nodes_that_can_go(nodes: list[Node], name: str) -> None:
    assert [(action.kind, action.target) for action in plan(name, nodes)] == [("delete_node", name)]


@pytest.mark.parametrize(
    ("nodes", "name", "sentence"),
    [
        (servers("+"), "s1", "s1 is the only server, expected another one to be left"),
        (servers("-", member=False), "s1", "s1 is the only server, expected another one"),
        (servers("+-", member=False), "s1", "s1 is the only server that is Ready, expected one of s2 to be"),
        (servers("-+"), "s1", "without s1 1 of 1 etcd members would be Ready, expected at least 1 (and 2 of 2 now, of"),
        (servers("++-"), "s1", "without s1 1 of 2 etcd members would be Ready, expected at least 2"),
        (servers("+++--"), "s1", "without s1 2 of 4 etcd members would be Ready, expected at least 3"),
    ],
)  # fmt: skip
def test_nodes_that_cannot_go(nodes: list[Node], name: str, sentence: str) -> None:
    with pytest.raises(RemovalError) as error:
        plan(name, nodes)
    assert sentence in str(error.value)


def test_node_that_is_gone_is_done() -> None:
    assert plan("s9", servers("+")) == []


def test_roles_and_readiness_are_read_from_the_object() -> None:
    document = {
        "metadata": {
            "name": "s1",
            "labels": {"node-role.kubernetes.io/control-plane": "true", "node-role.kubernetes.io/etcd": "true"},
        },
        "status": {"conditions": [{"type": "EtcdIsVoter", "status": "True"}, {"type": "Ready", "status": "Unknown"}]},
    }
    assert node_from(document) == Node("s1", False, True, True)
    assert node_from({"metadata": {"name": "w1"}}) == Node("w1", False)
