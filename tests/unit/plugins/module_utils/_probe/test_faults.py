# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults made for real in network namespaces: the verdict names the cause, on the right node, and nothing else.

Nearly all of it is waiting, so the experiments that the chosen tests ask for run beforehand, several at a time.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.verdict import Verdict, judge
from tests import namespaces
from tests.namespaces import NODES, Town

from .experiments import EXPERIMENTS

WHY_NOT = namespaces.unavailable()
pytestmark = [pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT), pytest.mark.xdist_group("namespaces")]
TOWNS = 8

Outcomes = dict[str, "Future[list[Verdict]]"]


@pytest.fixture(scope="module")
def towns() -> Iterator[queue.SimpleQueue[Town]]:
    """Towns that nobody uses."""
    built = [Town() for _number in range(TOWNS)]
    free: queue.SimpleQueue[Town] = queue.SimpleQueue()
    try:
        with ThreadPoolExecutor(TOWNS) as pool:
            list(pool.map(Town.build, built))
        for town in built:
            free.put(town)
        yield free
    finally:
        for town in built:
            town.remove()


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, towns: queue.SimpleQueue[Town]) -> Iterator[Outcomes]:
    """What becomes of each experiment that a chosen test asks for."""
    chosen = [item for item in request.session.items if isinstance(item, pytest.Function)]
    names = {item.callspec.params["name"] for item in chosen if "outcomes" in item.fixturenames}

    def run(name: str) -> list[Verdict]:
        town = towns.get()
        try:
            return EXPERIMENTS[name].run(town)
        finally:
            towns.put(town)

    with ThreadPoolExecutor(TOWNS) as pool:
        yield {name: pool.submit(run, name) for name in EXPERIMENTS if name in names}


@pytest.fixture
def town(towns: queue.SimpleQueue[Town]) -> Iterator[Town]:
    """One of them."""
    town = towns.get()
    yield town
    towns.put(town)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_verdicts(outcomes: Outcomes, name: str) -> None:
    found, expected = outcomes[name].result(), EXPERIMENTS[name].expected
    if EXPERIMENTS[name].more:
        found = found[: len(expected)]
    assert [(each.node, each.layer, each.kind) for each in found] == [each[:3] for each in expected], found
    for verdict, (_node, _layer, _kind, sentence) in zip(found, expected, strict=True):
        assert sentence in verdict.line


@pytest.mark.parametrize("name", ["machine that nobody reaches"])
def test_what_follows_is_counted(outcomes: Outcomes, name: str) -> None:
    assert outcomes[name].result()[0].later > 5


def test_exchange_while_another_program_holds_the_port(town: Town) -> None:
    holder = town.hold("k3s1", 8472)
    try:
        hosts = town.look()
        exchange = next((host.evidence or {})["exchange"] for host in hosts if host.name == "k3s1")
        assert exchange["state"] == "on the wire"
        assert exchange["heard"] == sorted([NODES["k3s-master1"], NODES["k3s2"]])
        assert judge(hosts) == []
    finally:
        holder.kill()
        holder.wait()
