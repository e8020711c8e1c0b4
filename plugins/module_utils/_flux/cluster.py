# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: look at Flux in a cluster, and apply what the plan says."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .._cluster.client import Cluster, ClusterError, Refusal
from .._gitops.read import load_all
from .model import AGE_SECRET, NAMESPACE, REQUESTED, SYNC, Found, Object, Plan, Wish
from .objects import OPERATOR_NAME, chosen, covers, instance, name_of, path_of, sync_objects

SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
LAYERS = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations"
# What a write changes by itself.
NOTES = ("managedFields", "resourceVersion", "generation")
PART = "labelSelector=app.kubernetes.io%2Fpart-of%3Dflux"
# Until the API serves a kind that was just defined.
KIND_SECONDS = 30.0
PAUSE_SECONDS = 0.5


def components_in(file: str, controllers: list[str], operator: bool = False) -> tuple[Object, ...]:
    """The objects of a release's file, those of other controllers left out; raises OSError and ValueError."""
    try:
        documents = load_all(Path(file).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} cannot be used: {error}") from error
    if not all(isinstance(each, dict) and "kind" in each and "metadata" in each for each in documents if each):
        raise ValueError(f"{file} holds something that is no object of Kubernetes")
    found = chosen(documents, None if operator else controllers)
    wanted = {OPERATOR_NAME} if operator else set(controllers)
    missing = wanted - {item["metadata"]["name"] for item in found if item["kind"] == "Deployment"}
    if missing:
        raise ValueError(f"{file} has no controller {', '.join(sorted(missing))}")
    return found


def look(cluster: Cluster, wish: Wish) -> Found:
    """Everything that the plan asks about."""
    named = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    wanted = (named, *wish.components, *sync_objects(wish), *([instance(wish)] if wish.operator else ()))
    objects = {name_of(item): item for item in wanted}
    found = {name: cluster.find(path_of(item)) for name, item in objects.items()}
    unlike = {name for name, there in found.items() if there and not covers(there, objects[name])}
    secrets = {name: cluster.find(f"{SECRETS}/{name}") for name in (SYNC, AGE_SECRET)}
    there = (cluster.find(f"{DEPLOYMENTS}?{PART}") or {}).get("items", ())
    return Found(
        objects={name: item for name, item in found.items() if item},
        same=frozenset(name for name in unlike if rehearsed(cluster, objects[name]) == plain(found[name] or {})),
        secrets={name: item for name, item in secrets.items() if item},
        controllers=tuple(there),
        # items of a list have no kind of their own
        layers=tuple({**item, "kind": "Kustomization"} for item in (cluster.find(LAYERS) or {}).get("items", ())),
    )


def rehearsed(cluster: Cluster, item: Object) -> Object | None:
    """What the API would make of an object; None where it refuses."""
    try:
        return plain(cluster.apply(path_of(item), item, rehearsal=True))
    except Refusal:
        return None


def plain(item: Object) -> Object:
    """An object without the API's own notes."""
    metadata = {key: value for key, value in item["metadata"].items() if key not in NOTES}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": metadata}


def apply(cluster: Cluster, plan: Plan, found: Found, stamp: str) -> None:
    """In this order, so that a run that ends anywhere leaves nothing that waits for what never comes."""
    if f"Namespace {NAMESPACE}" not in found.objects:
        cluster.apply(
            f"/api/v1/namespaces/{NAMESPACE}",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        )
    for name, values in plan.secrets.items():
        write_secret(cluster, name, values, name in found.secrets)
    for item in plan.apply:
        patiently(cluster, item)
    for item in plan.requests:
        cluster.merge(path_of(item), {"metadata": {"annotations": {REQUESTED: stamp}}})


def write_secret(cluster: Cluster, name: str, values: Mapping[str, str | None], there: bool) -> None:
    """Set these keys and take out those that are None; what others put beside them stays."""
    data = {key: None if value is None else base64.b64encode(value.encode()).decode() for key, value in values.items()}
    if there:
        cluster.merge(f"{SECRETS}/{name}", {"data": data})
        return
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "type": "Opaque",
        "data": {key: value for key, value in data.items() if value is not None},
    }
    cluster.request("POST", f"{SECRETS}?fieldManager=fletcherlabs.homelab", body)


def patiently(cluster: Cluster, item: Object) -> None:
    """Apply one object; its kind may have been defined a moment ago."""
    deadline = time.monotonic() + KIND_SECONDS
    while True:
        try:
            cluster.apply(path_of(item), item)
        except Refusal as error:
            if error.status != 404 or time.monotonic() > deadline:
                raise ClusterError(f"{name_of(item)} was refused: {error}") from error
            time.sleep(PAUSE_SECONDS)
        else:
            return


def described(plan: Plan, found: Found) -> dict[str, Any]:
    """Before and after, in which no value of a Secret stands."""
    names = [name_of(item) for item in plan.apply]
    before: dict[str, Any] = {name: _spec(found.objects.get(name)) for name in names}
    after: dict[str, Any] = {name_of(item): _spec(item) for item in plan.apply}
    for name, secret in _hidden(plan, found):
        before[name], after[name] = secret
    return {"before": before, "after": after}


def _spec(item: Object | None) -> Any:
    return None if item is None else item.get("spec", "there")


def _hidden(plan: Plan, found: Found) -> Iterator[tuple[str, tuple[list[str] | None, list[str]]]]:
    for name, values in plan.secrets.items():
        before = sorted(found.secrets[name].get("data") or {}) if name in found.secrets else None
        kept = {key for key in before or () if key not in values}
        after = sorted(kept | {f"{key} (new value)" for key, value in values.items() if value is not None})
        yield f"Secret {NAMESPACE}/{name}", (before, after)
