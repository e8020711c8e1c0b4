# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From wish and found state to steps, as tables: no cluster, no files."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
import yaml

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.model import Found, Object, Wish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.objects import (
    chosen,
    covers,
    follows_source,
    instance,
    name_of,
    path_of,
    sync_objects,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.plan import minor_in, plan
from lab.flux.operator import sync_of
from lab.flux_releases import double, objects, operator_objects

CONTROLLERS = ["source-controller", "kustomize-controller", "helm-controller", "notification-controller"]
WISH = Wish(
    "2.6.1", "ssh://git@git.example.net/it.git", "main", "clusters/k3s-home",
    credentials={"identity": "key", "identity.pub": "pub", "known_hosts": "host"}, age="AGE", revision="2222",
    components=chosen(objects("2.6.1"), CONTROLLERS),
)  # fmt: skip
REVISION = {"artifact": {"revision": "main@sha1:2222"}}


def secret(values: dict[str, str], **metadata: Any) -> Object:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return {"metadata": {"name": "it", **metadata}, "data": data}


def settled(**more: Any) -> Found:
    """A cluster that is as it is wished."""
    source, layer = sync_objects(WISH)
    items = [*WISH.components, {**source, "status": REVISION}, layer]
    found: dict[str, Any] = {
        "objects": {name_of(item): item for item in items},
        "secrets": {"flux-system": secret(dict(WISH.credentials or {})), "sops-age": secret({"age.agekey": "AGE"})},
        "controllers": tuple(item for item in items if item["kind"] == "Deployment"),
        "layers": (layer,),
    }
    return Found(**(found | more))


def kinds(wish: Wish, found: Found) -> list[str]:
    return [action.kind for action in plan(wish, found).actions]


def test_nothing_is_done_where_nothing_differs() -> None:
    assert plan(WISH, settled()).actions == ()


def test_an_empty_cluster_gets_keys_before_anything_that_needs_them() -> None:
    assert kinds(WISH, Found()) == ["namespace", "secret", "secret", "components", "sync", "sync"]


@pytest.mark.parametrize(("wish", "steps"), [
    (replace(WISH, credentials={**(WISH.credentials or {}), "identity": "new"}), ["secret", "request"]),
    (replace(WISH, age="NEW"), ["secret", "request"]),
    # a cluster whose keys are made by somebody else
    (replace(WISH, credentials=None, age=None), []),
    (replace(WISH, revision="3333"), ["request"]),
    (replace(WISH, revision=""), []),
    (replace(WISH, interval="5m"), ["sync"]),
    (replace(WISH, url="ssh://git@git.example.net/it"), ["sync"]),
    (replace(WISH, path="./clusters/k3s-home/"), []),
    (replace(WISH, url="ssh://git@git.example.net/other", replace_sync=True), ["sync"]),
    # flux-operator beside what is there: itself, and its one object
    (replace(WISH, operator="0.58.1", components=tuple(operator_objects())), ["components", "sync"]),
])  # fmt: skip
def test_each_wish_has_its_steps(wish: Wish, steps: list[str]) -> None:
    assert kinds(wish, settled()) == steps


def test_an_instance_holds_what_the_two_objects_hold() -> None:
    spec = instance(replace(WISH, operator="0.58.1", controllers=("source-controller",)))["spec"]
    assert spec["sync"] == {
        "kind": "GitRepository", "url": WISH.url, "ref": "refs/heads/main", "path": "clusters/k3s-home",
        "interval": "1m0s", "pullSecret": "flux-system",
    }  # fmt: skip
    source, layer = sync_of(spec)
    assert follows_source(source) == follows_source(sync_objects(WISH)[0])
    assert layer["spec"]["decryption"] == sync_objects(WISH)[1]["spec"]["decryption"]


def test_keys_that_others_put_beside_ours_stay_and_stale_ones_go() -> None:
    secrets = {
        "flux-system": secret({**(WISH.credentials or {}), "password": "old", "note": "mine"}),
        "sops-age": secret({"age.agekey": "AGE", "second.agekey": "OTHER"}),
    }
    assert plan(WISH, settled(secrets=secrets)).secrets == {"flux-system": {"password": None}}


@pytest.mark.parametrize(("labels", "owner"), [
    ({"kustomize.toolkit.fluxcd.io/name": "flux-system"}, "Git (Kustomization flux-system)"),
    ({"fluxcd.controlplane.io/name": "flux"}, "flux-operator (FluxInstance flux)"),
    ({"app.kubernetes.io/managed-by": "Helm"}, "a Helm release"),
])  # fmt: skip
def test_controllers_of_others_are_left_to_them(labels: dict[str, str], owner: str) -> None:
    theirs = tuple({**item, "metadata": {**item["metadata"], "labels": labels}} for item in settled().controllers)
    todo = plan(replace(WISH, components=chosen(objects("2.7.5"), CONTROLLERS)), settled(controllers=theirs))
    assert todo.actions == ()
    assert todo.notices[0] == f"the controllers of Flux belong to {owner} and are left to it"


def test_secrets_of_others_are_left_to_them() -> None:
    theirs = secret({}, labels={"kustomize.toolkit.fluxcd.io/name": "flux-system"})
    todo = plan(WISH, settled(secrets={"flux-system": theirs, "sops-age": theirs}))
    assert (todo.actions, len(todo.notices)) == ((), 2)


def test_a_suspended_source_is_named_and_not_asked() -> None:
    source, _layer = sync_objects(WISH)
    suspended = {**source, "spec": {**source["spec"], "suspend": True}, "status": {}}
    found = settled()
    todo = plan(WISH, settled(objects={**found.objects, name_of(source): suspended}))
    assert todo.requests == ()
    assert any("is suspended, so Git does not reach the cluster" in each for each in todo.notices)


def test_only_wanted_controllers_are_taken_and_kinds_come_first() -> None:
    found = chosen(yaml.safe_load_all(double("2.6.1")), ["source-controller"])
    assert [item["metadata"]["name"] for item in found if item["kind"] == "Deployment"] == ["source-controller"]
    assert {item["kind"] for item in found[:6]} == {"Namespace", "CustomResourceDefinition"}
    assert not any("image.toolkit" in item["metadata"]["name"] for item in found)


@pytest.mark.parametrize(("found", "wanted", "same"), [
    ({"cpu": "1"}, {"cpu": "1000m"}, True), ({"memory": "1Gi"}, {"memory": "1024Mi"}, True),
    ({"cpu": "2"}, {"cpu": "1000m"}, False), ({"a": 1, "more": 2}, {"a": 1}, True), ({}, {"a": {}}, False),
    ([1, 2], [1], False), ({"a": True}, {"a": 1}, True), ({"a": "x"}, {"a": None}, True),
    ({"a": "1m"}, {"a": 1}, False),
])  # fmt: skip
def test_what_the_api_writes_otherwise_is_the_same(found: Any, wanted: Any, same: bool) -> None:
    assert covers(found, wanted) is same


def test_the_version_is_that_of_the_source_controller() -> None:
    assert (minor_in(settled()), minor_in(Found())) == ("2.6", "")


@pytest.mark.parametrize(("kind", "namespace", "path"), [
    ("NetworkPolicy", "a", "/apis/x/v1/namespaces/a/networkpolicies/n"),
    ("GitRepository", "a", "/apis/x/v1/namespaces/a/gitrepositories/n"),
    ("IngressClass", "", "/apis/x/v1/ingressclasses/n"),
])  # fmt: skip
def test_paths_of_the_api(kind: str, namespace: str, path: str) -> None:
    metadata = {"name": "n"} | ({"namespace": namespace} if namespace else {})
    assert path_of({"apiVersion": "x/v1", "kind": kind, "metadata": metadata}) == path
