# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what has to be there before something else, and what two Kustomizations both apply."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Finding, Placed, Tree, mapping, text
from .tree import FLUX, needed

# API groups whose definitions come with a chart, by the chart's name.
CHARTS: dict[str, str] = {
    "cert-manager.io": "cert-manager",
    "cilium.io": "cilium",
    "deviceplugin.intel.com": "intel-device-plugins-operator",
    "external-secrets.io": "external-secrets",
    "longhorn.io": "longhorn",
    "monitoring.coreos.com": "kube-prometheus-stack",
    "nfd.k8s-sigs.io": "node-feature-discovery",
    "nfd.kubernetes.io": "node-feature-discovery",
    "velero.io": "velero",
}


def check_order(tree: Tree) -> Iterator[Finding]:
    """dependsOn that names nobody or goes in a circle; objects beside the chart that defines them; two owners."""
    yield from _unknown(tree)
    yield from _circles(tree)
    yield from _beside_their_chart(tree)
    yield from _two_owners(tree)


def _unknown(tree: Tree) -> Iterator[Finding]:
    for kind, group in (("Kustomization", FLUX), ("HelmRelease", "helm.toolkit.fluxcd.io")):
        found = list(tree.of_kind(kind, group))
        keys = {f"{placed.namespace or 'flux-system'}/{placed.name}" for placed in found}
        if kind == "Kustomization":
            keys |= set(tree.layers)
        for placed in found:
            for key in needed(placed):
                if key not in keys and "${" not in key:
                    yield placed.document.finding(_nobody(placed, kind, key, keys), "depends")


def _nobody(placed: Placed, kind: str, key: str, keys: set[str]) -> str:
    name = key.partition("/")[2]
    names = {each.partition("/")[2]: each for each in sorted(keys)}
    near = [each for each in names if each.endswith(name) or name.endswith(each)]
    if name in names:
        hint = f"there is one in the namespace {names[name].partition('/')[0]}: write its namespace"
    else:
        hint = f"did you mean {near[0]}?" if near else f"correct the name, or add that {kind}"
    return f"{placed.name} depends on the {kind} {name}, which does not exist; {hint}"


def _circles(tree: Tree) -> Iterator[Finding]:
    told: set[frozenset[str]] = set()
    for start in sorted(tree.layers):
        circle = _circle(tree, start)
        if circle and frozenset(circle) not in told:
            told.add(frozenset(circle))
            way = " -> ".join(tree.layers[key].name for key in (*circle, circle[0]))
            yield tree.layers[start].document.finding(
                f"dependsOn goes in a circle ({way}), so none of them is ever applied; remove one",
                "depends",
            )


def _circle(tree: Tree, start: str) -> tuple[str, ...]:
    """The shortest way from a layer back to itself."""
    waiting: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while waiting:
        way = waiting.pop(0)
        for name in tree.layers[way[-1]].depends_on:
            if name == start:
                return way
            if name in tree.layers and name not in seen:
                seen.add(name)
                waiting.append((*way, name))
    return ()


def _beside_their_chart(tree: Tree) -> Iterator[Finding]:
    """Flux applies definitions before other objects, but those of a chart come when Helm has run, which is too late."""
    charts: dict[tuple[str, str], Placed] = {}
    for placed in tree.of_kind("HelmRelease"):
        chart = text(mapping(mapping(placed.document.spec.get("chart")).get("spec")).get("chart"))
        charts.setdefault((placed.owner, chart), placed)
    defined = {text(placed.document.spec.get("group")) for placed in tree.of_kind("CustomResourceDefinition")}
    for placed in tree.placed:
        needs = CHARTS.get(placed.document.group)
        release = charts.get((placed.owner, needs)) if needs else None
        if release and placed.document.group not in defined:
            yield placed.document.finding(
                f"{placed.title} is applied by the Kustomization {tree.owner_of(placed)} together with the "
                f"{release.title} that brings its definition: a fresh cluster says 'no matches for kind'; move it to a "
                "Kustomization that depends on that one, with wait: true there",
                "order",
            )


def _two_owners(tree: Tree) -> Iterator[Finding]:
    first: dict[tuple[str, str, str, str], Placed] = {}
    for placed in tree.placed:
        if "${" in placed.name + placed.namespace or placed.document.content.get("generated"):
            continue
        key = (placed.document.kind, placed.document.group, placed.namespace, placed.name)
        other = first.setdefault(key, placed)
        if other.owner != placed.owner:
            yield placed.document.finding(
                f"{placed.title} is applied by the Kustomizations {tree.owner_of(other)} and "
                f"{tree.owner_of(placed)}, which undo each other's changes; let one of them have it",
                "owner",
            )
        elif other is not placed and other.document != placed.document and placed.document.kind:
            where = f"{other.document.file}:{other.document.line}"
            yield placed.document.finding(
                f"{placed.document.kind} {placed.name} stands in {where} too, which kustomize refuses; remove one",
                "build",
            )
