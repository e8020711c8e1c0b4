# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases in the inventory: refused where they cannot run together, else a word of warning."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse import parse
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules import advice, check
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.judge import releases_of

from .inventory_samples import inventory


def judged(**releases: Any) -> tuple[list[str], list[str], list[str]]:
    machines, site = inventory()
    found, shape = parse(machines, site | {"homelab_releases": releases})
    return [problem.sentence for problem in shape], check(found), advice(found)


def test_the_owners_set_is_allowed_with_warnings() -> None:
    shape, problems, warnings = judged(**releases_of("documented"))
    assert (shape, problems) == ([], [])
    assert any(said.startswith("Cilium 1.15.6 is tested by upstream") for said in warnings)


def test_a_pair_that_cannot_start_is_refused() -> None:
    shape, problems, _warnings = judged(**releases_of("documented", {"gateway_api_channel": "standard"}))
    assert shape == []
    assert problems == [
        "Cilium 1.15.6 runs no Gateway without GRPCRoute v1alpha2 and TLSRoute v1alpha2, which the standard channel of "
        "Gateway API v1.1.0 does not serve; use v1.1.0 of the experimental channel (gateway_api and "
        "gateway_api_channel in homelab_release_overrides)"
    ]


def test_k3s_is_judged_as_it_is_to_be_installed() -> None:
    _shape, _problems, warnings = judged(**releases_of("current"))
    assert "Cilium 1.20.0 is tested by upstream on Kubernetes 1.33 to 1.36, not on 1.32" in warnings[0]


def test_an_inventory_without_releases_hears_nothing() -> None:
    machines, site = inventory()
    found, shape = parse(machines, site)
    assert (shape, check(found), advice(found)) == ([], [], [])


WRONG = [
    ("cilium", "1.15", "homelab_releases.cilium: '1.15' is not a version; write all three numbers, e.g. 1.15.6"),
    (
        "gateway_api",
        "1.1.0",
        "homelab_releases.gateway_api: '1.1.0' is not a version of Gateway API; write it as its tag, e.g. v1.1.0",
    ),
    (
        "gateway_api_channel",
        "beta",
        "homelab_releases.gateway_api_channel: 'beta' is not known",
    ),
]


@pytest.mark.parametrize(("key", "value", "said"), WRONG)
def test_values_that_are_no_version(key: str, value: str, said: str) -> None:
    shape, _problems, _warnings = judged(**releases_of("documented", {key: value}))
    assert [sentence.startswith(said) for sentence in shape] == [True], shape


def test_a_set_or_a_component_that_nobody_knows() -> None:
    machines, site = inventory()
    for values, said in (
        ({"homelab_release_set": "newest"}, "homelab_release_set: 'newest' is not known"),
        ({"homelab_release_overrides": {"cillium": "1.15.19"}}, "homelab_release_overrides"),
    ):
        # what follows from the set has no value then
        _found, shape = parse(machines, site | {"homelab_k3s_version": None, "homelab_releases": None} | values)
        assert [problem.sentence.startswith(said) for problem in shape] == [True], shape
