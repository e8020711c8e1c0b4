# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a write may change: identity stays, and each subresource owns its part; pure functions on objects."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lab.k3s_standin.api import patch_json, patch_strategic
from lab.k3s_standin.api.errors import ApiError, Conflict, Obj, bad_request
from lab.k3s_standin.api.identity import User
from lab.k3s_standin.api.resources import GENERATION_KEYS, Resource
from lab.k3s_standin.api.shapes import builtin_shape


@dataclass(frozen=True)
class Place:
    """Where a write goes."""

    resource: Resource
    namespace: str | None
    name: str
    subresource: str | None = None


@dataclass(frozen=True)
class Caller:
    """Who writes: the user, the name that field ownership is recorded under, and whether it is only a trial."""

    user: User
    manager: str
    dry_run: bool = False


# Metadata the server sets; what a client sends in its place is not used.
_KEPT = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
    "generateName",
)


def stamp(moment: datetime) -> str:
    """A time as the API writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def now() -> str:
    """The current time as the API writes it."""
    return stamp(datetime.now(UTC))


def patch_edit(resource: Resource, content_type: str, patch: Any) -> Callable[[Obj], Obj]:
    """The function a patch of this format stands for."""
    is_list = content_type == "application/json-patch+json"
    if is_list and isinstance(patch, list):
        return lambda live: patch_json.apply(live, patch)
    if is_list or not isinstance(patch, dict):
        raise bad_request(f"a patch of type {content_type} must be an object (a list for application/json-patch+json)")
    if content_type == "application/merge-patch+json":
        return lambda live: patch_json.merge(live, patch)
    if content_type == "application/strategic-merge-patch+json" and not resource.custom:
        return lambda live: patch_strategic.apply(live, patch, builtin_shape)
    known = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    if not resource.custom:
        known += ", application/strategic-merge-patch+json"
    text = f"the body of the request was in an unknown format - accepted media types include: {known}"
    raise ApiError(415, "UnsupportedMediaType", text)


def tidy(metadata: Obj) -> None:
    """Leave out empty metadata fields, in place, as the typed objects of upstream do."""
    for name in [name for name, value in metadata.items() if value in (None, "", [], {})]:
        del metadata[name]


def check_type(resource: Resource, obj: Obj) -> None:
    """The object must be of the URL's kind; a missing apiVersion or kind is filled in."""
    group, _, version = str(obj.get("apiVersion") or resource.api_version()).rpartition("/")
    kind = obj.get("kind") or resource.kind
    if (
        kind != resource.kind
        or group != resource.group
        or version not in (*resource.versions, resource.storage_version)
    ):
        raise bad_request(
            f"{obj.get('apiVersion')}, Kind={obj.get('kind')} was sent to {resource.key}, which takes"
            f" {resource.api_version()}, Kind={resource.kind}"
        )
    obj["apiVersion"], obj["kind"] = resource.api_version(), resource.kind


def check_namespace(resource: Resource, namespace: str | None, metadata: Obj) -> None:
    """The object must be of the URL's namespace; a missing one is filled in."""
    if not resource.namespaced:
        metadata.pop("namespace", None)
        return
    if namespace and metadata.get("namespace", namespace) != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    metadata["namespace"] = namespace or metadata.get("namespace") or ""
    if not metadata["namespace"]:
        raise bad_request("an empty namespace may not be set during creation")


def check_preconditions(resource: Resource, live: Obj, wanted: Obj) -> None:
    """uid and resourceVersion given with a delete must be the stored ones."""
    metadata = live["metadata"]
    for field, text in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        asked, found = wanted.get(field), metadata[field]
        if asked and asked != found:
            why = f"Precondition failed: {text} in precondition: {asked}, {text} in object meta: {found}"
            raise Conflict(resource.key, metadata["name"], why)


def with_policy(finalizers: list[str], options: Obj) -> list[str]:
    """The finalizers a propagation policy leaves."""
    policy = options.get("propagationPolicy")
    if policy is None and options.get("orphanDependents"):
        policy = "Orphan"
    name = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(str(policy))
    return finalizers if name is None or name in finalizers else [*finalizers, name]


def merge_write(resource: Resource, live: Obj, wanted: Obj, subresource: str | None) -> Obj:
    """The object to store when a client sends `wanted` over `live`."""
    new = copy.deepcopy(wanted)
    check_type(resource, new)
    metadata, before = new.setdefault("metadata", {}), live["metadata"]
    _check_identity(resource, metadata, before)
    metadata.update(name=before["name"], **({"namespace": before["namespace"]} if resource.namespaced else {}))
    for name in _KEPT:
        metadata.pop(name, None)
        if name in before:
            metadata[name] = before[name]
    metadata.pop("selfLink", None)
    if "managedFields" not in metadata and "managedFields" in before:
        metadata["managedFields"] = before["managedFields"]
    if "deletionTimestamp" in before:
        added = set(metadata.get("finalizers") or []) - set(before.get("finalizers") or [])
        metadata["finalizers"] = [item for item in metadata.get("finalizers") or [] if item not in added]
    tidy(metadata)
    return _parts(resource, live, new, subresource)


def bump_generation(resource: Resource, live: Obj, new: Obj) -> None:
    """A changed specification is a new generation."""
    if resource.custom or resource.key in GENERATION_KEYS:
        outside = ("metadata", "status")
        if any(new.get(name) != live.get(name) for name in {*new, *live} if name not in outside):
            new["metadata"]["generation"] = int(live["metadata"].get("generation", 1)) + 1


def _check_identity(resource: Resource, metadata: Obj, before: Obj) -> None:
    if metadata.get("name", before["name"]) != before["name"]:
        raise bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({before['name']})"
        )
    if resource.namespaced and metadata.get("namespace", before["namespace"]) != before["namespace"]:
        raise bad_request("the namespace of the object does not match the namespace on the request")
    if metadata.get("uid") and metadata["uid"] != before["uid"]:
        why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {before['uid']}"
        raise Conflict(resource.key, before["name"], why)


def _parts(resource: Resource, live: Obj, new: Obj, subresource: str | None) -> Obj:
    if subresource == "status":
        kept = {**live, "metadata": new["metadata"]}
        if resource.custom:
            kept["metadata"] = {**live["metadata"], "managedFields": new["metadata"].get("managedFields") or []}
        return _with(kept, "status", new)
    if subresource == "finalize":
        finalizers = (new.get("spec") or {}).get("finalizers") or []
        return {**live, "spec": {**live["spec"], "finalizers": finalizers}}
    if "status" in resource.subresources and subresource is None:
        return _with(new, "status", live)
    return new


def _with(obj: Obj, name: str, source: Obj) -> Obj:
    answer = {key: value for key, value in obj.items() if key != name}
    if name in source:
        answer[name] = copy.deepcopy(source[name])
    return answer
