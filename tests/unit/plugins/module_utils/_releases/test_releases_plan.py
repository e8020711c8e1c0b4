# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way between sets: one minor version at a time, and never through a pair that cannot run."""

from __future__ import annotations

from itertools import permutations

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.data import SETS
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.judge import judge, minor_of, number_of
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.plan import backwards, jump, way

FORWARDS = [("documented", "supported"), ("documented", "current"), ("supported", "current")]


@pytest.mark.parametrize(("start", "end"), FORWARDS)
def test_every_step_is_one_minor_version_and_every_state_can_run(start: str, end: str) -> None:
    steps, problems = way(SETS[start], SETS[end])
    assert problems == []
    state = dict(SETS[start])
    for step in steps:
        if step.component != "gateway_api":
            old, new = number_of(minor_of(state[step.component])), number_of(minor_of(step.version))
            assert new[0] == old[0] and 0 <= new[1] - old[1] <= 1, step
        state[step.component] = step.version
        # the definitions go first, so they have to serve the Cilium that still runs too
        assert judge(state).problems == (), step
    assert {name: state[name] for name in ("cilium", "gateway_api", "longhorn", "flux")} == {
        name: SETS[end][name] for name in ("cilium", "gateway_api", "longhorn", "flux")
    }
    assert state["k3s"] == SETS[end]["k3s"]


def test_the_long_way_says_what_each_step_brings() -> None:
    steps, _problems = way(SETS["documented"], SETS["current"])
    sentences = [step.sentence for step in steps]
    assert any(said.startswith("Cilium 1.15.6 -> 1.16.19: BGP moves from CiliumBGPPeeringPolicy") for said in sentences)
    place = sentences.index("Gateway API v1.4.1 -> v1.6.1 (experimental), just before Cilium")
    assert sentences[place + 1].startswith("Cilium 1.19.6 -> 1.20.0")
    assert [step.version for step in steps if step.component == "k3s"] == ["v1.33", "v1.34", "v1.35", "v1.36.5+k3s1"]


def test_the_way_adds_no_untested_pair_that_could_be_avoided() -> None:
    """Cilium leaves 1.15 before anything else moves: it is the one that Kubernetes 1.32 is newest for."""
    steps, _problems = way(SETS["documented"], SETS["supported"])
    assert steps[0].component == "cilium"


def test_a_patch_is_a_step_and_the_same_set_is_none() -> None:
    steps, _problems = way(SETS["documented"], SETS["documented"] | {"cilium": "1.15.19"})
    assert [step.sentence for step in steps] == ["Cilium 1.15.6 -> 1.15.19"]
    assert way(SETS["current"], SETS["current"]) == ([], [])


@pytest.mark.parametrize(("end", "start"), FORWARDS)
def test_nothing_goes_back(start: str, end: str) -> None:
    steps, problems = way(SETS[start], SETS[end])
    assert steps == []
    assert any("but no upstream supports going back a minor version" in said for said in problems)


JUMPS = [
    ("1.15.6", "1.15.19", None),
    ("1.15.6", "1.16.3", None),
    (
        "1.15.6",
        "1.17.18",
        "leaves out 1 minor version, and upstream tests upgrades from one to the next only; go to 1.16.19",
    ),
    ("1.15.6", "1.20.0", "leaves out 4 minor versions"),
    ("1.17.18", "1.15.6", None),
]


@pytest.mark.parametrize(("installed", "wanted", "said"), JUMPS)
def test_a_jump_is_refused_with_the_next_step(installed: str, wanted: str, said: str | None) -> None:
    sentence = jump("cilium", installed, wanted)
    assert (sentence is None) == (said is None)
    assert (said or "") in (sentence or "")
    assert (backwards("cilium", installed, wanted) is not None) == (wanted == "1.15.6")


def test_ways_are_the_same_for_any_order_of_components() -> None:
    expected, _problems = way(SETS["documented"], SETS["current"])
    for order in list(permutations(SETS["documented"].items()))[:24]:
        assert way(dict(order), SETS["current"])[0] == expected
