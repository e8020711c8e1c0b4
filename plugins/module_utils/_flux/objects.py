# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: objects of Flux: those of a release's file, and the two with which it begins; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .model import AGE_SECRET, NAMESPACE, SYNC, Object, Wish

COMPONENT = "app.kubernetes.io/component"
SOURCE, KUSTOMIZE = "source.toolkit.fluxcd.io/v1", "kustomize.toolkit.fluxcd.io/v1"
OPERATOR, OPERATOR_NAME, INSTANCE = "fluxcd.controlplane.io/v1", "flux-operator", "flux"
REGISTRY = "ghcr.io/fluxcd"
DECRYPT = f"""\
- op: add
  path: /spec/decryption
  value: {{provider: sops, secretRef: {{name: {AGE_SECRET}}}}}
"""
OWNERS = {
    "kustomize.toolkit.fluxcd.io/name": "Git (Kustomization {})",
    "helm.toolkit.fluxcd.io/name": "Git (HelmRelease {})",
    "fluxcd.controlplane.io/name": "flux-operator (FluxInstance {})",
}
# What the API refuses to take before its namespace or kind is there.
FIRST = ("Namespace", "CustomResourceDefinition")
QUANTITY = re.compile(r"^(\d+(?:\.\d+)?)(m|k|Ki|M|Mi|G|Gi)?$")
FACTORS = {"m": 0.001, "k": 1e3, "Ki": 2**10, "M": 1e6, "Mi": 2**20, "G": 1e9, "Gi": 2**30}


def chosen(documents: Iterable[Object | None], controllers: Sequence[str] | None) -> tuple[Object, ...]:
    """Of the objects in a release's file those of the wanted controllers, and those that all share; None takes all."""
    objects = []
    for document in documents:
        if not document:
            continue
        owner = (document["metadata"].get("labels") or {}).get(COMPONENT)
        if controllers is None or owner is None or owner in controllers:
            metadata = {key: value for key, value in document["metadata"].items() if value is not None}
            objects.append({**{key: value for key, value in document.items() if key != "status"}, "metadata": metadata})
    return tuple(sorted(objects, key=lambda item: item["kind"] not in FIRST))


def sync_objects(wish: Wish) -> tuple[Object, Object]:
    """As flux bootstrap writes them, with decryption from the first day on."""
    source: Object = {"interval": wish.interval, "ref": {"branch": wish.branch}, "url": wish.url}
    if wish.credentials is not None:
        source["secretRef"] = {"name": SYNC}
    layer: Object = {
        "interval": "10m0s",
        "retryInterval": "2m0s",
        "path": f"./{clean(wish.path)}",
        "prune": True,
        "sourceRef": {"kind": "GitRepository", "name": SYNC},
    }
    if wish.age is not None:
        layer["decryption"] = {"provider": "sops", "secretRef": {"name": AGE_SECRET}}
    return _object(SOURCE, "GitRepository", source), _object(KUSTOMIZE, "Kustomization", layer)


def instance(wish: Wish) -> Object:
    """The same as one object, out of which flux-operator makes controllers and sync objects."""
    sync = {
        "kind": "GitRepository",
        "url": wish.url,
        "ref": f"refs/heads/{wish.branch}",
        "path": clean(wish.path),
        "interval": wish.interval,
    }
    if wish.credentials is not None:
        sync["pullSecret"] = SYNC
    spec: Object = {
        "distribution": {"version": wish.version, "registry": REGISTRY},
        "components": list(wish.controllers),
        "cluster": {"type": "kubernetes", "networkPolicy": True},
        "sync": sync,
    }
    if wish.age is not None:
        spec["kustomize"] = {"patches": [{"target": {"kind": "Kustomization"}, "patch": DECRYPT}]}
    metadata = {"name": INSTANCE, "namespace": NAMESPACE}
    return {"apiVersion": OPERATOR, "kind": "FluxInstance", "metadata": metadata, "spec": spec}


def _object(version: str, kind: str, spec: Object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": SYNC, "namespace": NAMESPACE}, "spec": spec}


def clean(path: str) -> str:
    """A path in the repository without what means nothing."""
    return path.strip("/").removeprefix("./").rstrip("/")


def path_of(item: Object) -> str:
    """Where the API has an object."""
    api, metadata = item["apiVersion"], item["metadata"]
    base = f"/apis/{api}" if "/" in api else f"/api/{api}"
    namespace = f"/namespaces/{metadata['namespace']}" if metadata.get("namespace") else ""
    return f"{base}{namespace}/{plural(item['kind'])}/{metadata['name']}"


def plural(kind: str) -> str:
    """As the API's paths call a kind; true for all of Flux's and all that it brings."""
    word = kind.lower()
    if word.endswith("y"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith("s") else f"{word}s"


def name_of(item: Object) -> str:
    """How sentences name an object."""
    namespace = item["metadata"].get("namespace")
    return f"{item['kind']} {namespace + '/' if namespace else ''}{item['metadata']['name']}"


def follows_source(item: Mapping[str, Any]) -> str:
    """What a GitRepository follows, in words."""
    spec = item.get("spec") or {}
    url = str(spec.get("url", "")).rstrip("/").removesuffix(".git")
    reference = spec.get("ref") or {}
    # flux-operator writes the whole name
    branch = reference.get("branch") or str(reference.get("name", "master")).removeprefix("refs/heads/")
    return f"branch {branch} of {url}"


def follows_layer(item: Mapping[str, Any]) -> str:
    """What a Kustomization follows, in words."""
    spec = item.get("spec") or {}
    source = spec.get("sourceRef") or {}
    return f"{clean(str(spec.get('path', ''))) or 'the top'} of {source.get('kind')} {source.get('name')}"


def owner_of(item: Object | None) -> str:
    """Who keeps an object, where that is neither this collection nor a person."""
    labels = ((item or {}).get("metadata") or {}).get("labels") or {}
    found = [words.format(labels[label]) for label, words in OWNERS.items() if label in labels]
    if not found and labels.get("app.kubernetes.io/managed-by") == "Helm":
        found = ["a Helm release"]
    return found[0] if found else ""


def covers(found: Any, wanted: Any) -> bool:
    """Whether everything wanted is there; what the API added does not count, nor how it writes a quantity."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(covers(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(covers(there, here) for there, here in zip(found, wanted))
        )
    if wanted is None:
        return True
    return bool(found == wanted) or (_quantity(found) is not None and _quantity(found) == _quantity(wanted))


def _quantity(value: object) -> float | None:
    match = QUANTITY.match(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else None
    return float(match[1]) * FACTORS.get(match[2] or "", 1.0) if match else None
