# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: whether Flux follows Git, and what is missing, in parts of sentences; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._cilium.status import condition_of
from .model import NAMESPACE, REQUESTED, SYNC
from .objects import INSTANCE, name_of
from .plan import commit_of, revision_of

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    """What to wait for."""

    controllers: tuple[str, ...]
    # what Git had when it was asked, with its branch, and what Flux had before that
    revision: str = ""
    had: str = ""
    # whether a FluxInstance is to be Ready too
    operator: bool = False


@dataclass(frozen=True)
class Seen:
    """What the API shows; sync objects with their kind."""

    controllers: Sequence[Object] = ()
    source: Object | None = None
    layer: Object | None = None
    instance: Object | None = None


def missing(expected: Expected, seen: Seen) -> list[str]:
    """One part of a sentence for each thing that is not there yet."""
    instance = _unready("FluxInstance", seen.instance, INSTANCE) if expected.operator else ""
    controllers = [instance] if instance else [*_controllers(expected, seen)]
    return controllers or [*_source(expected, seen.source)] or [*_layer(seen)]


def hopeless(seen: Seen) -> list[str]:
    """What no waiting mends."""
    objects = (("GitRepository", seen.source), ("Kustomization", seen.layer))
    return [
        f"{kind} {NAMESPACE}/{SYNC} is suspended; flux resume makes it go on"
        for kind, item in objects
        if ((item or {}).get("spec") or {}).get("suspend")
    ]


def _controllers(expected: Expected, seen: Seen) -> Iterator[str]:
    there = {item["metadata"]["name"]: item for item in seen.controllers}
    for name in expected.controllers:
        item = there.get(name)
        if item is None:
            yield f"{name} is not there"
            continue
        status, wanted = item.get("status") or {}, item["spec"].get("replicas", 1)
        seen_generation = int(status.get("observedGeneration") or 0) >= int(item["metadata"].get("generation") or 0)
        ready = min(int(status.get(key) or 0) for key in ("updatedReplicas", "availableReplicas", "readyReplicas"))
        if not seen_generation or ready < wanted:
            yield f"{name} has {ready} of {wanted} new pods ready (kubectl -n {NAMESPACE} logs deploy/{name})"


def _source(expected: Expected, source: Object | None) -> Iterator[str]:
    said = _unready("GitRepository", source)
    if said:
        yield said
        return
    has = revision_of(source)
    # another one than before is what Git has by now
    behind = commit_of(has) != commit_of(expected.revision) and has in ("", expected.had)
    if expected.revision and behind:
        yield f"GitRepository {NAMESPACE}/{SYNC} has {has or 'no revision'}, and Git has {expected.revision}"


def _layer(seen: Seen) -> Iterator[str]:
    said = _unready("Kustomization", seen.layer)
    if said:
        yield said
        return
    applied = str(((seen.layer or {}).get("status") or {}).get("lastAppliedRevision", ""))
    fetched = revision_of(seen.source)
    if applied != fetched:
        yield f"Kustomization {NAMESPACE}/{SYNC} has applied {applied or 'nothing'}, and {fetched} is fetched"


def _unready(kind: str, item: Object | None, called: str = SYNC) -> str:
    if item is None:
        return f"{kind} {NAMESPACE}/{called} is not there"
    name = name_of({"kind": kind, "metadata": item["metadata"]})
    status, metadata = item.get("status") or {}, item["metadata"]
    # a FluxInstance tells its generation in its condition alone
    looked = status.get("observedGeneration") or condition_of(item, "Ready").get("observedGeneration") or 0
    if int(looked) < int(metadata.get("generation") or 0):
        return f"nobody has looked at {name} yet"
    asked = (metadata.get("annotations") or {}).get(REQUESTED)
    if asked and status.get("lastHandledReconcileAt") != asked:
        return f"nobody has looked at {name} since it was asked to"
    ready = condition_of(item, "Ready")
    if ready.get("status") != "True":
        return f"{name} is not Ready: {ready.get('message') or ready.get('reason') or 'nobody reported'}"
    return ""
