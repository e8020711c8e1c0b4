# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of sets and pairs."""

from __future__ import annotations

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.data import (
    COMPONENTS,
    GATEWAY_KINDS,
    GATEWAY_OF_CILIUM,
    SETS,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.judge import (
    ReleaseSetError,
    judge,
    minor_of,
    releases_of,
)


@pytest.mark.parametrize("name", SETS)
def test_every_set_is_whole_and_can_start(name: str) -> None:
    assert set(SETS[name]) == set(COMPONENTS)
    assert judge(SETS[name]).problems == ()


def test_the_owners_pins_are_named_with_what_breaks() -> None:
    said = "\n".join(judge(SETS["documented"]).warnings)
    assert "Cilium 1.15.6 is tested by upstream on Kubernetes 1.26 to 1.29, not on 1.32" in said
    assert "Cilium 1.17, 1.18 would be" in said
    assert "Longhorn 1.6.2 is tested by upstream on Kubernetes 1.26 to 1.28, not on 1.32" in said
    assert "Cilium 1.15.6 knows neither ALPN nor app protocol" in said
    assert "K3s v1.32.5+k3s1 gets no more fixes" in said


def test_supported_has_no_untested_pair_and_current_nothing_at_all() -> None:
    assert [said for said in judge(SETS["supported"]).warnings if "tested" in said] == []
    assert judge(SETS["current"]).warnings == ()


PAIRS = [
    ("1.15.6", "v1.0.0", "experimental", ""),
    ("1.15.6", "v1.1.0", "experimental", ""),
    ("1.15.6", "v1.1.0", "standard", "GRPCRoute v1alpha2 and TLSRoute v1alpha2"),
    ("1.15.6", "v1.2.1", "experimental", "GRPCRoute v1alpha2"),
    ("1.16.19", "v1.1.0", "standard", "TLSRoute v1alpha2"),
    ("1.17.18", "v1.2.1", "experimental", ""),
    ("1.19.6", "v1.4.1", "experimental", ""),
    # kubespray asserts the same two
    ("1.19.6", "v1.5.1", "standard", "TLSRoute v1alpha2"),
    ("1.19.6", "v1.5.1", "experimental", ""),
    ("1.20.0", "v1.4.1", "experimental", "TLSRoute v1 and ReferenceGrant v1"),
    ("1.20.0", "v1.6.1", "standard", ""),
]


@pytest.mark.parametrize(("cilium", "gateway_api", "channel", "missing"), PAIRS)
def test_cilium_needs_kinds_that_the_definitions_serve(
    cilium: str, gateway_api: str, channel: str, missing: str
) -> None:
    problems = judge({"cilium": cilium, "gateway_api": gateway_api, "gateway_api_channel": channel}).problems
    assert [
        f"without {missing}, which the {channel} channel of Gateway API {gateway_api}" in said for said in problems
    ] == ([True] if missing else [])


def test_the_definitions_named_for_each_cilium_serve_it() -> None:
    assert set(GATEWAY_OF_CILIUM) == set(GATEWAY_KINDS)
    for minor, version in GATEWAY_OF_CILIUM.items():
        pair = {"cilium": f"{minor}.1", "gateway_api": version, "gateway_api_channel": "experimental"}
        assert judge(pair).problems == (), minor


def test_a_version_nobody_knows_is_said_to_be_unknown_and_one_that_nothing_fits_gets_no_advice() -> None:
    said = judge({"k3s": "v1.40.1+k3s1", "cilium": "1.19.6", "flux": "2.9.4"}).warnings
    assert said[0] == ("Cilium 1.19.6 on Kubernetes 1.40: nobody wrote down which versions upstream tests it with")
    assert said[1].endswith("no Flux that is known here is tested on it")


def test_sets_are_taken_by_name_with_overrides() -> None:
    assert releases_of("documented", {"cilium": "1.15.19"})["cilium"] == "1.15.19"
    with pytest.raises(
        ReleaseSetError, match="homelab_release_set is 'newest', expected documented, supported, current"
    ):
        releases_of("newest")
    with pytest.raises(ReleaseSetError, match="homelab_release_overrides names calico, expected some of k3s, cilium"):
        releases_of("current", {"calico": "3"})


def test_versions_are_read_with_and_without_v() -> None:
    assert (minor_of("v1.32.5+k3s1"), minor_of("1.15.6"), minor_of("2.9")) == ("1.32", "1.15", "2.9")
    with pytest.raises(ReleaseSetError, match="'latest' is not a version"):
        minor_of("latest")
