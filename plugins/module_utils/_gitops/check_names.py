# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: Secrets, ConfigMaps, sources, namespaces and variables that are named and nowhere made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .model import BUILT_IN_NAMESPACES, Document, Finding, Placed, Tree, dicts, mapping, text
from .names import Key, keys_of, made, wants
from .sops import leaves

# What Flux replaces (fluxcd/pkg/envsubst); two dollar signs stand for one.
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)([^}]*)\}")
SOURCES = {"HelmRepository", "GitRepository", "OCIRepository", "Bucket", "HelmChart", "ExternalArtifact"}
# made before Flux starts, or by Kubernetes
GIVEN: frozenset[Key] = frozenset({
    ("Secret", "flux-system", "flux-system"), ("Secret", "flux-system", "sops-age"),
    ("ConfigMap", "*", "kube-root-ca.crt"),
})  # fmt: skip
DISABLED = "kustomize.toolkit.fluxcd.io/substitute"


def check_names(
    tree: Tree, known_secrets: Iterable[str] = (), known_namespaces: Iterable[str] = ()
) -> Iterator[Finding]:
    """Everything that a manifest names and that neither the repository nor the caller says is there."""
    given = GIVEN | {("Secret", *_split(name)) for name in known_secrets}
    yield from _references(tree, given)
    yield from _sources(tree)
    yield from _namespaces(tree, BUILT_IN_NAMESPACES | set(known_namespaces))
    yield from _variables(tree)


def _split(name: str) -> tuple[str, str]:
    namespace, _slash, rest = name.partition("/")
    return (namespace, rest) if rest else ("*", namespace)


def _references(tree: Tree, given: frozenset[Key]) -> Iterator[Finding]:
    there = set(made(tree)) | given
    elsewhere: dict[tuple[str, str], list[str]] = {}
    for kind, namespace, name in sorted(there):
        elsewhere.setdefault((kind, name), []).append(namespace)
    told = set()
    for wanted in (each for placed in tree.placed for each in wants(placed)):
        key = (wanted.kind, wanted.namespace, wanted.name)
        places = elsewhere.get((wanted.kind, wanted.name), [])
        by = wanted.by
        if "${" in "".join(key) or not wanted.name or key in there or "*" in places or (*key, id(by)) in told:
            continue
        if not wanted.namespace and places:
            continue  # where it ends is decided elsewhere
        told.add((*key, id(by)))
        hint = (
            f"it is in the namespace {', '.join(places)}, and a {wanted.kind} serves its own namespace only"
            if places
            else f"add it{' (encrypted)' if wanted.kind == 'Secret' else ''}, or say that somebody else makes it"
        )
        where = f"{wanted.namespace}/{wanted.name}" if wanted.namespace else wanted.name
        yield by.document.finding(
            f"{by.document.kind} {by.name} needs the {wanted.kind} {where}, which nothing here makes; {hint}",
            "reference",
        )


def _sources(tree: Tree) -> Iterator[Finding]:
    there = {(placed.document.kind, placed.name) for placed in tree.placed if placed.document.kind in SOURCES}
    for placed in tree.of_kind("ArtifactGenerator"):
        there |= {("ExternalArtifact", text(row.get("name"))) for row in dicts(placed.document.spec.get("artifacts"))}
    for placed in tree.of_kind("HelmRelease"):
        spec = placed.document.spec
        chart = mapping(mapping(spec.get("chart")).get("spec"))
        for reference in (mapping(chart.get("sourceRef")), mapping(spec.get("chartRef"))):
            yield from _source(placed, reference, there)
    for placed in tree.of_kind("Kustomization", "kustomize.toolkit.fluxcd.io"):
        reference = mapping(placed.document.spec.get("sourceRef"))
        # the root's own is made with Flux
        if text(reference.get("name")) != "flux-system":
            yield from _source(placed, reference, there)


def _source(placed: Placed, reference: Mapping[str, Any], there: set[tuple[str, str]]) -> Iterator[Finding]:
    kind, name = text(reference.get("kind")), text(reference.get("name"))
    what = "chart" if placed.document.kind == "HelmRelease" else "manifests"
    if name and "${" not in name and (kind, name) not in there:
        yield placed.document.finding(
            f"{placed.title} takes its {what} from the {kind} {name}, which nothing here makes; add it "
            "to the sources, or correct the name",
            "source",
        )


def _namespaces(tree: Tree, known: set[str] | frozenset[str]) -> Iterator[Finding]:
    there = set(known) | {placed.name for placed in tree.of_kind("Namespace")}
    for placed in tree.of_kind("HelmRelease"):
        spec = placed.document.spec
        if mapping(spec.get("install")).get("createNamespace"):
            there.add(text(spec.get("targetNamespace")) or placed.namespace)
    told = set()
    for placed in tree.placed:
        target = text(placed.document.spec.get("targetNamespace")) if placed.document.kind == "HelmRelease" else ""
        for namespace in (placed.namespace, target):
            if namespace and "${" not in namespace and namespace not in there and (placed.owner, namespace) not in told:
                told.add((placed.owner, namespace))
                yield placed.document.finding(
                    f"{placed.title} belongs in the namespace {namespace}, which nothing here makes; add a Namespace, "
                    "or say that somebody else makes it",
                    "namespace",
                )


def _variables(tree: Tree) -> Iterator[Finding]:
    values = {(placed.document.kind, placed.name): keys_of(placed) for placed in tree.placed}
    defined = {name: _defined(layer.document, values) for name, layer in tree.layers.items()}
    anywhere = {each for names in defined.values() if names for each in names}
    told = set()
    for placed in tree.placed:
        layer = tree.layers[placed.owner]
        names = defined[placed.owner]
        if names is None or _is_left_alone(placed.document):
            continue
        for name, has_default in _used(placed.document):
            key = (placed.document.file, placed.document.line, name)
            if has_default or name in names or key in told:
                continue
            told.add(key)
            if layer.substitutes:
                yield placed.document.finding(
                    f"${{{name}}} has no value in the Kustomization {layer.name}, and Flux puts nothing in its "
                    f"place; define it under postBuild, "
                    f"give it a default (${{{name}:=value}}), or write $${{{name}}} where the text itself is meant",
                    "variable",
                )
            elif name in anywhere:
                yield placed.document.finding(
                    f"${{{name}}} stays as it is, for the Kustomization {layer.name} substitutes nothing; add "
                    "postBuild to it as other Kustomizations have",
                    "variable",
                )


def _defined(document: Document, values: Mapping[tuple[str, str], set[str]]) -> set[str] | None:
    """Names that a Kustomization has values for; None when one of their sources cannot be seen here."""
    build = mapping(document.spec.get("postBuild"))
    names = {str(name) for name in mapping(build.get("substitute"))}
    for row in dicts(build.get("substituteFrom")):
        found = values.get((text(row.get("kind")), text(row.get("name"))))
        if found is None:
            return None
        names |= found
    return names


def _is_left_alone(document: Document) -> bool:
    metadata = document.metadata
    marks = (mapping(metadata.get(part)).get(DISABLED) for part in ("annotations", "labels"))
    return "disabled" in marks or document.kind == "CustomResourceDefinition"


def _used(document: Document) -> Iterator[tuple[str, bool]]:
    for path, value in leaves(document.content):
        if path[:1] == ("sops",):
            continue
        if isinstance(value, str):
            for match in VARIABLE.finditer(value):
                yield match.group(1), match.group(2).startswith((":", "-", "=", "+", "?"))
