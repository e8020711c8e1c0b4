# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to a cluster's Cilium, what is left to others, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.artefacts import CHARTS, definitions
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.objects import objects_for
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.plan import (
    Found,
    covers,
    flux_releases,
    plan,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.release import Release, releases_from
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.values import values_for
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.data import SETS

from .cilium_samples import VERSIONS, WISH, built, defined, helm_secret, kinds, wish

FLUX = {"kustomize.toolkit.fluxcd.io/name": "infra-network"}


def sentences(found: Found, wanted: Any = WISH) -> list[str]:
    return [action.sentence for action in plan(wanted, found, kinds(wanted)).actions]


def test_an_empty_cluster_gets_definitions_then_the_release_then_the_objects() -> None:
    todo = plan(WISH, Found(nodes={"k3s1": {"bgp": "enabled"}}), kinds(WISH))
    assert [action.kind for action in todo.actions] == ["define"] * 6 + ["release"] + ["apply"] * 6
    assert todo.actions[0].sentence == "define gatewayclasses as Gateway API v1.1.0 (experimental) does"
    assert todo.actions[6].sentence == "install cilium 1.15.6 in kube-system"
    assert "tlsroutes" in todo.targets("define")
    assert list(todo.objects) == objects_for(WISH)
    assert (todo.owner, todo.notices, todo.problems) == ("ansible", (), ())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_second_run_has_nothing_to_do(version: str) -> None:
    wanted = wish(version)
    assert sentences(built(wanted), wanted) == []


def test_what_the_api_adds_is_no_difference() -> None:
    found = built(WISH)
    name = "Gateway networking/main-gateway"
    item = found.objects[name]
    grown = {**item, "status": {"x": 1}, "metadata": {**item["metadata"], "uid": "1", "resourceVersion": "7"}}
    assert sentences(replace(found, objects={**found.objects, name: grown})) == []


def test_changed_values_are_named_and_nothing_else_happens() -> None:
    wanted = replace(WISH, values={"hubble": {"relay": {"enabled": False}}, "MTU": 9000})
    assert sentences(built(WISH), wanted) == ["change the values of cilium: MTU, hubble.relay.enabled"]


def test_an_object_somebody_changed_is_put_right() -> None:
    found = built(WISH)
    pool = found.objects["CiliumLoadBalancerIPPool homelab"]
    other = {**pool, "spec": {"blocks": [{"cidr": "192.168.10.240/28"}], "allowFirstLastIPs": "Yes"}}
    changed = {**found.objects, "CiliumLoadBalancerIPPool homelab": other}
    assert sentences(replace(found, objects=changed)) == ["change CiliumLoadBalancerIPPool homelab"]


def test_the_step_to_1_16_moves_bgp_and_removes_our_policy_last() -> None:
    wanted, found = wish("1.16.19"), built(WISH)
    policy = found.objects["CiliumBGPPeeringPolicy homelab"]
    todo = plan(wanted, replace(found, policies=(policy,)), kinds(wanted))
    said = [action.sentence for action in todo.actions]
    assert said[0] == "upgrade cilium from 1.15.6 to 1.16.19"
    assert said[1:] == [
        "create CiliumBGPAdvertisement homelab",
        "create CiliumBGPPeerConfig homelab",
        "create CiliumBGPClusterConfig homelab",
        "change Gateway networking/main-gateway",
        "remove CiliumBGPPeeringPolicy homelab: BGPv2 takes its place",
    ]


def test_another_gateway_api_restarts_the_operator_through_the_values() -> None:
    wanted = wish("1.17.18")
    said = sentences(replace(built(wanted), definitions=defined(WISH)), wanted)
    assert said == [
        f"define {kind} as Gateway API v1.2.1 (experimental) does in the place of v1.1.0 (experimental)"
        for kind in kinds(wanted)
    ]
    before = values_for(replace(wanted, gateway_api="v1.1.0"))["operator"]["podAnnotations"]
    assert values_for(wanted)["operator"]["podAnnotations"] != before


def test_a_policy_of_somebody_else_is_named_and_kept() -> None:
    wanted = wish("1.16.19")
    policy = {"kind": "CiliumBGPPeeringPolicy", "metadata": {"name": "bgp-peering"}}
    todo = plan(wanted, replace(built(wanted), policies=(policy,)), kinds(wanted))
    assert todo.actions == ()
    assert todo.notices[0].startswith("CiliumBGPPeeringPolicy bgp-peering is still there and wins")


REFUSED = [
    (
        "1.15.6",
        "1.17.18",
        "leaves out 1 minor version, and upstream tests upgrades from one to the next only; go to 1.16.19",
    ),
    ("1.15.6", "1.20.0", "leaves out 4 minor versions"),
    ("1.17.18", "1.16.19", "no upstream supports going back a minor version"),
]


@pytest.mark.parametrize(("installed", "wanted", "said"), REFUSED)
def test_jumps_and_steps_back_are_refused_before_anything_is_touched(installed: str, wanted: str, said: str) -> None:
    todo = plan(wish(wanted), built(wish(installed)), kinds(wish(wanted)))
    assert (todo.actions, todo.objects, todo.remove) == ((), (), ())
    assert len(todo.problems) == 1
    assert said in todo.problems[0]


def test_objects_in_a_version_that_goes_are_named_before_the_api_refuses() -> None:
    wanted = wish("1.17.18")
    old = defined(WISH)
    old["grpcroutes"]["status"] = {"storedVersions": ["v1alpha2", "v1"]}
    old["tlsroutes"]["status"] = {"storedVersions": ["v1alpha2"]}
    todo = plan(wanted, replace(built(wish("1.16.19")), definitions=old), kinds(wanted))
    assert todo.actions == ()
    (said,) = todo.problems
    assert said.startswith(
        "grpcroutes.gateway.networking.k8s.io has objects stored as v1alpha2, which Gateway API v1.2.1 does not have"
    )
    assert plan(WISH, replace(built(WISH), definitions=old), kinds(WISH)).problems == ()


UNFINISHED = [
    # a first installation that was killed: Helm would say that the name is in use
    ((("pending-install", 1, "1.15.6"),), [1], "install cilium 1.15.6"),
    ((("failed", 1, "1.15.6"),), [1], "install cilium 1.15.6"),
    ((("deployed", 1, "1.14.1"), ("pending-upgrade", 2, "1.15.6")), [2], "upgrade cilium from 1.14.1 to 1.15.6"),
    ((("deployed", 1, "1.14.1"), ("failed", 2, "1.15.6"), ("pending-rollback", 3, "1.14.1")), [2, 3], "upgrade cilium"),
    # what failed before the one that runs is history
    ((("failed", 1, "1.15.6"), ("deployed", 2, "1.15.6")), [], "change the values of cilium"),
]


@pytest.mark.parametrize(("revisions", "forgotten", "then"), UNFINISHED)
def test_revisions_that_never_finished_are_forgotten(
    revisions: tuple[tuple[str, int, str], ...], forgotten: list[int], then: str
) -> None:
    releases = tuple(Release(f"secret-v{number}", number, status, chart) for status, number, chart in revisions)
    todo = plan(WISH, replace(built(WISH), releases=releases), kinds(WISH))
    assert todo.targets("forget_revision") == [f"secret-v{number}" for number in forgotten]
    assert then in next(action.sentence for action in todo.actions if action.kind == "release")


def helm_release(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "cilium", "namespace": "kube-system"}, "spec": spec}


def test_a_release_of_flux_with_our_values_is_adopted_without_a_word_of_difference() -> None:
    """The file that we write for Flux and the values that we install are one document."""
    flux = flux_releases([helm_release(values=values_for(WISH))])
    todo = plan(WISH, replace(built(WISH), flux=flux), kinds(WISH))
    assert (todo.owner, todo.actions) == ("flux", ())
    assert todo.notices == (
        "Cilium belongs to Flux (HelmRelease kube-system/cilium), so chart, values and objects are left to it",
    )


def test_values_that_flux_has_otherwise_are_named() -> None:
    values = {**values_for(WISH), "k8sServiceHost": "192.168.10.30"}
    todo = plan(WISH, Found(flux=flux_releases([helm_release(values=values)])), kinds(WISH))
    assert todo.actions == ()
    assert "has other values than the inventory gives: k8sServiceHost" in todo.notices[1]


HELM_RELEASES = [
    (helm_release(releaseName="cilium"), True),
    (helm_release(), True),
    ({"metadata": {"name": "network", "namespace": "flux-system"}, "spec": {"releaseName": "cilium"}}, False),
    (
        {
            "metadata": {"name": "network", "namespace": "flux-system"},
            "spec": {"releaseName": "cilium", "targetNamespace": "kube-system"},
        },
        True,
    ),
    # Flux puts the namespace in front of a name that nobody chose
    ({"metadata": {"name": "cilium", "namespace": "flux-system"}, "spec": {"targetNamespace": "kube-system"}}, False),
    ({"metadata": {"name": "longhorn", "namespace": "kube-system"}, "spec": {}}, False),
]


@pytest.mark.parametrize(("item", "ours"), HELM_RELEASES)
def test_flux_owns_the_release_of_that_name_in_that_namespace(item: dict[str, Any], ours: bool) -> None:
    assert bool(flux_releases([item])) == ours


def test_objects_and_definitions_of_flux_are_left_to_it_one_by_one() -> None:
    found = built(WISH)
    name = "Gateway networking/main-gateway"
    theirs = {"metadata": {"name": "main-gateway", "labels": FLUX}, "spec": {}}
    found = replace(found, objects={**found.objects, name: theirs}, definitions=defined(wish("1.20.0"), **FLUX))
    todo = plan(WISH, found, kinds(WISH))
    assert todo.actions == ()
    assert "Gateway networking/main-gateway belongs to Flux (kustomize infra-network) and is left to it" in todo.notices
    assert any(said.startswith("the definitions of Gateway API (gatewayclasses,") for said in todo.notices)


def test_newer_definitions_are_kept() -> None:
    found = replace(built(WISH), definitions=defined(wish("1.20.0")))
    todo = plan(WISH, found, kinds(WISH))
    assert todo.actions == ()
    assert todo.notices == ("the definitions of Gateway API are those of v1.6.1, newer than v1.1.0, and are kept",)


LABELS = [
    (
        {"k3s1": {"bgp": "enabled"}, "k3s2": {}, "k3s3": {"bgp": "no"}},
        "k3s2, k3s3 without bgp=enabled: no BGP session from there",
    ),
    ({"k3s1": {}}, "no node carries bgp=enabled, so none speaks BGP; add it to homelab_node.labels"),
    ({"k3s1": {"bgp": "enabled"}}, None),
]


@pytest.mark.parametrize(("nodes", "said"), LABELS)
def test_a_forgotten_label_is_named(nodes: dict[str, dict[str, str]], said: str | None) -> None:
    """Incident I-14: a session that stayed Active for a day, for want of a label."""
    assert list(plan(WISH, replace(built(WISH), nodes=nodes), kinds(WISH)).notices) == ([said] if said else [])


def test_without_a_gateway_no_definitions() -> None:
    wanted = replace(WISH, gateway=None)
    assert not [said for said in sentences(Found(), wanted) if said.startswith("define")]


def test_covering() -> None:
    assert covers({"a": [{"b": 1, "c": 2}], "d": 0}, {"a": [{"b": 1}]})
    assert not covers({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}]})
    assert not covers(None, {"a": 1})
    assert not covers({"a": "1"}, {"a": 1})


def test_helms_own_secrets_are_read() -> None:
    secrets = [helm_secret(2, "deployed", "1.15.6", {"a": 1}), helm_secret(1, "superseded", "1.14.0", {})]
    assert releases_from(secrets) == [
        Release("sh.helm.release.v1.cilium.v1", 1, "superseded", "1.14.0", {}),
        Release("sh.helm.release.v1.cilium.v2", 2, "deployed", "1.15.6", {"a": 1}),
    ]
    broken = helm_secret(3, "deployed", "1.15.6", {}) | {"data": {"release": "eA=="}}
    with pytest.raises(ValueError, match=r"the Secret sh.helm.release.v1.cilium.v3 holds no release of Helm"):
        releases_from([broken])


@pytest.mark.parametrize("name", SETS)
def test_everything_that_a_set_downloads_has_a_digest(name: str) -> None:
    releases = SETS[name]
    assert len(CHARTS[releases["cilium"]]) == 64
    files = definitions(releases["gateway_api"], releases["gateway_api_channel"])
    assert {"gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants", "tlsroutes"} <= {
        file["kind"] for file in files
    }
    assert all(len(file["sha256"]) == 64 for file in files)
    unknown = definitions("v9.9.9", "standard")
    assert [(file["kind"], file["sha256"]) for file in unknown][-1] == ("referencegrants", "")
