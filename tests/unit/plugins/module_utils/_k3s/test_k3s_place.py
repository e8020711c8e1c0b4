# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who founds, who joins, who stays: as a table."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._k3s.place import Server, Wish, plan

ADDRESSES = {"a": "10.0.0.1", "b": "10.0.0.2", "c": "10.0.0.3"}
FOUND = {"cluster-init": True}


def servers(**datastores: str) -> list[Server]:
    return [Server(name, ADDRESSES[name], kind) for name, kind in datastores.items()]


def at(name: str) -> dict[str, str]:
    return {"server": f"https://{ADDRESSES.get(name, name)}:6443"}


@pytest.mark.parametrize(
    ("name", "found", "api", "placed", "expected"),
    [
        pytest.param("a", {"a": "none"}, "a", {}, FOUND, id="a lone new server founds"),
        pytest.param("a", {"a": "none", "b": "none", "c": "none"}, "a", {}, FOUND, id="the first founds"),
        pytest.param("b", {"a": "etcd", "b": "none", "c": "none"}, "a", {}, at("a"), id="the others join"),
        pytest.param("a", {"a": "none", "b": "etcd", "c": "etcd"}, "a", FOUND, at("b"), id="a lost first joins"),
        pytest.param("a", {"a": "none", "b": "unknown", "c": "etcd"}, "a", {}, at("c"), id="it joins one that answers"),
        pytest.param(
            "a", {"a": "none", "b": "etcd"}, "10.0.0.9", {}, at("10.0.0.9"), id="an address that moves is best"
        ),
        pytest.param("c", {"a": "etcd", "b": "etcd", "c": "none"}, "a", at("b"), at("b"), id="interrupted: as begun"),
        pytest.param(
            "c", {"a": "unknown", "b": "etcd", "c": "none"}, "a", at("a"), at("b"), id="begun with a dead one"
        ),
        pytest.param("a", {"a": "etcd", "b": "etcd"}, "a", FOUND, FOUND, id="a founder stays one"),
        pytest.param("a", {"a": "etcd", "b": "etcd"}, "a", at("b"), at("b"), id="a lost first stays a joined one"),
        pytest.param("b", {"a": "none", "b": "etcd"}, "a", at("a"), at("a"), id="the config of a running one stays"),
        pytest.param("b", {"a": "etcd", "b": "etcd"}, "a", at("10.9.9.9"), at("a"), id="an address of nobody goes"),
        pytest.param("a", {"a": "etcd"}, "a", {}, FOUND, id="a restored datastore without its config"),
        pytest.param("a", {"a": "sqlite", "b": "none"}, "a", {}, FOUND, id="SQLite is converted by cluster-init"),
        pytest.param("b", {"a": "unknown", "b": "etcd"}, "a", at("a"), at("a"), id="a dead first changes nothing"),
    ],
)
def test_place(name: str, found: dict[str, str], api: str, placed: Any, expected: Any) -> None:
    place = plan(servers(**found), Wish(name, "a", ADDRESSES.get(api, api), placed=placed))
    assert (place.config, place.reasons, place.waits_for) == (expected, (), "")


@pytest.mark.parametrize(
    ("name", "found", "words"),
    [
        ("a", {"a": "none", "b": "unknown"}, "b cannot be reached and no other server has a datastore"),
        ("b", {"a": "unknown", "b": "none", "c": "none"}, "k3s_server_found_new_cluster: true"),
        ("b", {"a": "sqlite", "b": "none"}, "a keeps its data in SQLite, expected etcd before b joins"),
        ("a", {"a": "sqlite", "b": "etcd"}, "expected one cluster"),
    ],
)
def test_refusals(name: str, found: dict[str, str], words: str) -> None:
    place = plan(servers(**found), Wish(name, "a", ADDRESSES["a"]))
    assert len(place.reasons) == 1 and words in place.reasons[0]


def test_a_new_cluster_beside_silent_servers_is_founded_when_asked_for() -> None:
    wish = Wish("b", "a", ADDRESSES["a"], found_new_cluster=True)
    assert plan(servers(a="unknown", b="none"), wish).config == FOUND


def test_a_further_server_waits_for_the_founder() -> None:
    place = plan(servers(a="none", b="none"), Wish("b", "a", ADDRESSES["a"]))
    assert (place.config, place.joins, place.waits_for) == (at("a"), "a", "a")
