# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what brings the cluster's Flux from what it is to what it should be; pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .._action import Action
from .._releases.judge import minor_of
from .._releases.plan import backwards, jump
from .model import AGE_KEY, AGE_SECRET, CREDENTIALS, NAMESPACE, SYNC, Found, Object, Plan, Wish
from .objects import (
    KUSTOMIZE,
    OPERATOR_NAME,
    SOURCE,
    clean,
    covers,
    follows_layer,
    follows_source,
    instance,
    name_of,
    owner_of,
    sync_objects,
)

# source-controller 1.N belongs to Flux 2.N
IMAGE = re.compile(r"/source-controller:v1\.(\d+)\.")


def plan(wish: Wish, found: Found) -> Plan:
    """Problems forbid all actions."""
    source, layer = sync_objects(wish)
    wanted = (instance(wish),) if wish.operator else (source, layer)
    owner = "" if wish.operator else next((owner for item in found.controllers if (owner := owner_of(item))), "")
    differing = () if owner else _differing(wish, found)
    problems = [*_versions(wish, found, owner), *_stored(wish, found, owner), *_other_sync(wish, found, source, layer)]
    notices = list(_left(wish, found, owner, source, layer))
    if problems:
        return Plan(notices=tuple(notices), problems=tuple(problems))
    secrets = _secrets(wish, found)
    sync = [item for item in wanted if _is_wanted(found, item)]
    requests = list(_requests(wish, found, secrets))
    actions = [
        *(() if f"Namespace {NAMESPACE}" in found.objects else [_create("namespace", f"Namespace {NAMESPACE}")]),
        *(_secret(found, name, values) for name, values in secrets.items()),
        *_components(wish, found, differing, owner),
        *(Action("sync", name_of(item), _applied(found, item)) for item in sync),
        *(Action("request", name_of(item), sentence) for item, sentence in requests),
    ]
    return Plan(
        tuple(actions), tuple(notices), (), secrets, (*differing, *sync), tuple(item for item, _why in requests)
    )


def minor_in(found: Found) -> str:
    """The minor version of the Flux that runs, by the image of its source-controller; empty where none does."""
    for item in found.controllers:
        for container in item["spec"]["template"]["spec"]["containers"]:
            match = IMAGE.search(container.get("image", ""))
            if match:
                return f"2.{match[1]}"
    return ""


def _differing(wish: Wish, found: Found) -> tuple[Object, ...]:
    there = found.objects
    return tuple(
        item for item in wish.components if not owner_of(there.get(name_of(item))) and not _settled(found, item)
    )


def _versions(wish: Wish, found: Found, owner: str) -> Iterator[str]:
    running = minor_in(found)
    if running and not owner:
        for judged in (backwards, jump):
            sentence = judged("flux", running, wish.version)
            if sentence:
                yield sentence
    if wish.committed and not wish.operator and not owner and minor_of(wish.committed) != minor_of(wish.version):
        yield (
            f"Git brings Flux {wish.committed} ({clean(wish.path)}/flux-system/gotk-components.yaml), expected "
            f"{wish.version} of the release set, and the two would fight; commit that one (see flux_commit_folder), "
            "or name Git's in homelab_release_overrides"
        )


def _stored(wish: Wish, found: Found, owner: str) -> Iterator[str]:
    """Objects that lie in a version which the new definition does not have: the API would refuse it."""
    for item in wish.components:
        there = found.objects.get(name_of(item))
        if item["kind"] != "CustomResourceDefinition" or there is None or owner:
            continue
        served = {version["name"] for version in item["spec"]["versions"]}
        lost = sorted(set((there.get("status") or {}).get("storedVersions") or ()) - served)
        if lost:
            yield (
                f"{item['metadata']['name']} has objects stored as {', '.join(lost)}, which Flux {wish.version} does "
                "not have, so the API would refuse its definition; run flux migrate (flux CLI of that version) first"
            )


def _other_sync(wish: Wish, found: Found, source: Object, layer: Object) -> Iterator[str]:
    """A cluster that follows something else: with prune, what the other repository does not have is removed."""
    for item, asked in ((source, follows_source), (layer, follows_layer)):
        there = found.objects.get(name_of(item))
        if there is None or asked(there) == asked(item):
            continue
        said = f"{name_of(item)} of the cluster follows {asked(there)}, expected {asked(item)}"
        owner = "" if wish.operator else owner_of(there)
        if owner:
            yield f"{said}, and it belongs to {owner}; change it there, or correct the inventory"
        elif not wish.replace_sync:
            yield (
                f"{said}; Flux would remove everything that is not in the new place, so allow that with "
                "-e flux_replace_sync=true, or correct the inventory"
            )


def _left(wish: Wish, found: Found, owner: str, source: Object, layer: Object) -> Iterator[str]:
    running = minor_in(found)
    if owner:
        yield f"the controllers of Flux belong to {owner} and are left to it"
        if running and running != minor_of(wish.version):
            yield (
                f"they are of Flux {running}, and the release set says {wish.version}; change that in Git "
                "(docs/gitops.md), or name the version in homelab_release_overrides"
            )
    for item in (source, layer):
        there = found.objects.get(name_of(item))
        if owner_of(there) and not wish.operator:
            yield f"{name_of(item)} belongs to {owner_of(there)} and is left to it"
        if ((there or {}).get("spec") or {}).get("suspend"):
            yield f"{name_of(item)} is suspended, so Git does not reach the cluster; flux resume makes it go on"
    for name in (SYNC, AGE_SECRET):
        if owner_of(found.secrets.get(name)):
            yield f"Secret {NAMESPACE}/{name} belongs to {owner_of(found.secrets.get(name))} and is left to it"


def _is_wanted(found: Found, item: Object) -> bool:
    there = found.objects.get(name_of(item))
    return not owner_of(there) and not _settled(found, item)


def _settled(found: Found, item: Object) -> bool:
    return name_of(item) in found.same or covers(found.objects.get(name_of(item)), item)


def _secrets(wish: Wish, found: Found) -> dict[str, dict[str, str | None]]:
    """What differs, by Secret and key; a key that is wanted no more is None."""
    wanted: dict[str, dict[str, str | None]] = {}
    if wish.credentials is not None:
        wanted[SYNC] = {**dict.fromkeys(CREDENTIALS), **wish.credentials}
    if wish.age is not None:
        wanted[AGE_SECRET] = {AGE_KEY: wish.age}
    changes = {}
    for name, values in wanted.items():
        there = found.secrets.get(name)
        if owner_of(there):
            continue
        known = decoded(there)
        differing = {key: value for key, value in values.items() if known.get(key) != value}
        if differing or there is None:
            changes[name] = differing
    return changes


def decoded(secret: Object | None) -> dict[str, str]:
    """The values of a Secret."""
    data = (secret or {}).get("data") or {}
    return {key: base64.b64decode(value or "").decode(errors="replace") for key, value in data.items()}


def _secret(found: Found, name: str, values: Mapping[str, str | None]) -> Action:
    target = f"Secret {NAMESPACE}/{name}"
    if name not in found.secrets:
        return _create("secret", target)
    return Action("secret", target, f"change {target}: {', '.join(sorted(values))}")


def _create(kind: str, target: str) -> Action:
    return Action(kind, target, f"create {target}")


def _components(wish: Wish, found: Found, differing: tuple[Object, ...], owner: str) -> Iterator[Action]:
    if wish.operator:
        yield from _operator(wish, found, differing)
        return
    running = minor_in(found)
    if owner or (running and not differing):
        return
    count = f"{len(differing)} objects" if differing else "its file is still to be downloaded"
    if not running:
        yield Action("components", "flux", f"install Flux {wish.version} ({count})")
    elif running != minor_of(wish.version):
        yield Action("components", "flux", f"upgrade Flux from {running} to {wish.version} ({count})")
    else:
        names = [name_of(item) for item in differing]
        few = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield Action("components", "flux", f"bring Flux to {wish.version}: {few}")


def _operator(wish: Wish, found: Found, differing: tuple[Object, ...]) -> Iterator[Action]:
    there = f"Deployment {NAMESPACE}/{OPERATOR_NAME}" in found.objects
    if differing or not there:
        verb = "bring flux-operator to" if there else "install flux-operator"
        yield Action("components", OPERATOR_NAME, f"{verb} {wish.operator} ({len(differing)} objects)")


def _applied(found: Found, item: Object) -> str:
    return f"{'change' if name_of(item) in found.objects else 'create'} {name_of(item)}"


def _requests(wish: Wish, found: Found, secrets: Mapping[str, Any]) -> Iterator[tuple[Object, str]]:
    """What has to look again at once: neither a Secret nor Git tells a controller that it was changed."""
    source = found.objects.get(name_of(sync_objects(wish)[0]))
    revision = f"{wish.branch}@sha1:{wish.revision}"
    has = revision_of(source)
    if source is not None and not (source.get("spec") or {}).get("suspend"):
        if SYNC in secrets:
            yield _named(SOURCE, source), "have Flux fetch with the new credentials"
        elif wish.revision and commit_of(has) != wish.revision:
            yield _named(SOURCE, source), f"have Flux fetch {revision[:24]}, it has {has[:24] or 'nothing yet'}"
    for layer in found.layers if AGE_SECRET in secrets else ():
        secret = ((layer.get("spec") or {}).get("decryption") or {}).get("secretRef") or {}
        if secret.get("name") == AGE_SECRET:
            item = _named(KUSTOMIZE, layer)
            yield item, f"have {name_of(item)} decrypt with the new key"


def _named(version: str, item: Object) -> Object:
    kind = "GitRepository" if version == SOURCE else "Kustomization"
    metadata = {key: item["metadata"][key] for key in ("name", "namespace")}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def commit_of(revision: str) -> str:
    """Of main@sha1:0123, and of refs/heads/main@sha1:0123 as flux-operator's sources have it."""
    return revision.rpartition(":")[2]


def revision_of(source: Mapping[str, Any] | None) -> str:
    """The revision that a source has fetched."""
    return str((((source or {}).get("status") or {}).get("artifact") or {}).get("revision", ""))
