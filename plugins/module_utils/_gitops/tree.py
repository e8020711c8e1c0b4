# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which objects Flux applies, from which file, by which Kustomization.

Follows Flux Kustomizations by their path, and kustomization.yaml files by their resources, as kustomize does; where a
path has none, Flux takes every YAML file below it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .model import Document, Finding, Layer, Placed, Tree, dicts, mapping, text, texts
from .patch import patched

KUSTOMIZATION_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
FLUX = "kustomize.toolkit.fluxcd.io"
ROOT = "flux-system/flux-system"
CLUSTER_WIDE = frozenset({
    "APIService", "ClusterIssuer", "ClusterRole", "ClusterRoleBinding", "ClusterPolicy", "ClusterSecretStore",
    "ClusterExternalSecret", "CustomResourceDefinition", "GatewayClass", "IngressClass", "MutatingWebhookConfiguration",
    "Namespace", "Node", "PersistentVolume", "PriorityClass", "RuntimeClass", "StorageClass",
    "ValidatingWebhookConfiguration", "VolumeSnapshotClass", "CiliumClusterwideNetworkPolicy",
    "CiliumLoadBalancerIPPool", "CiliumL2AnnouncementPolicy", "CiliumBGPPeeringPolicy", "CiliumBGPClusterConfig",
    "CiliumBGPPeerConfig", "CiliumBGPAdvertisement", "GpuDevicePlugin", "NodeFeatureRule",
})  # fmt: skip


@dataclass(frozen=True)
class Around:
    """What the kustomization.yaml files above do to an object."""

    owner: str
    namespace: str = ""
    prefix: str = ""
    suffix: str = ""
    # patches for Flux Kustomizations, as in kustomize and in spec.patches
    patches: tuple[Mapping[str, Any], ...] = ()


class Walk:
    """One walk over a repository. `files` are names relative to its root; `read` gives the documents of one."""

    def __init__(self, files: frozenset[str], read: Callable[[str], tuple[list[Document], list[Finding]]]) -> None:
        self._files = files
        self._folders = {folder for name in files for folder in _parents(name)}
        self._read = read
        self.tree = Tree()

    def run(self, path: str) -> Tree:
        """Everything below the path that Flux is bootstrapped with."""
        start = _clean(path)
        root = Layer("flux-system", "flux-system", start, Document(start, 1, {}))
        waiting = [root]
        while waiting:
            layer = waiting.pop(0)
            if layer.key in self.tree.layers:
                # the root is defined below itself (gotk-sync.yaml): the definition is what counts
                if layer.path == start and not self.tree.layers[layer.key].document.content:
                    self.tree.layers[layer.key] = layer
                continue
            self.tree.layers[layer.key] = layer
            before = len(self.tree.placed)
            self._layer(layer)
            waiting += [found for placed in self.tree.placed[before:] if (found := self._defined(placed))]
        return self.tree

    def _defined(self, placed: Placed) -> Layer | None:
        """The layer that a Flux Kustomization of this repository makes."""
        document = placed.document
        if document.kind != "Kustomization" or document.group != FLUX:
            return None
        spec = document.spec
        source = mapping(spec.get("sourceRef"))
        # what comes from another repository or artefact cannot be seen here
        if source.get("kind") != "GitRepository" or self._is_foreign(text(source.get("name"))):
            return None
        substitution = mapping(spec.get("postBuild"))
        return Layer(
            placed.name,
            placed.namespace or "flux-system",
            _clean(text(spec.get("path")) or "."),
            document,
            needed(placed),
            mapping(spec.get("decryption")).get("provider") == "sops",
            bool(substitution.get("substitute") or substitution.get("substituteFrom")),
        )

    def _is_foreign(self, source: str) -> bool:
        """Another GitRepository than the one that is named like the root's."""
        root = self.tree.layers[ROOT].document.spec
        here = text(mapping(root.get("sourceRef")).get("name")) or "flux-system"
        return source != here and any(placed.name == source for placed in self.tree.of_kind("GitRepository"))

    def _layer(self, layer: Layer) -> None:
        patches = tuple(dicts(layer.document.spec.get("patches")))
        around = Around(layer.key, text(layer.document.spec.get("targetNamespace")), patches=patches)
        if layer.path not in self._folders and layer.path != ".":
            self._say(
                layer.document,
                f"Kustomization {layer.name} has the path {layer.path}, which is not there; correct spec.path",
                "build",
            )
            return
        self._folder(layer.path, around, layer.document, ())
        for component in texts(layer.document.spec.get("components")):
            self._entry(layer.path, component, around, layer.document, ())

    def _folder(self, folder: str, around: Around, asked: Document, above: tuple[str, ...]) -> None:
        """A folder with kustomization.yaml; without one, every YAML file below, as Flux generates it."""
        if folder in above:
            self._say(asked, f"{folder} includes itself ({' -> '.join((*above, folder))}); break the circle", "build")
            return
        name = kustomization_of(folder, self._files)
        if name:
            for document in self._documents(name):
                self._kustomization(folder, document, around, (*above, folder))
            return
        for each in sorted(self._below(folder)):
            self._file(each, around)

    def _below(self, folder: str) -> Iterator[str]:
        """What Flux puts into the kustomization.yaml that it makes: files, and folders with one of their own."""
        inside = "" if folder == "." else f"{folder}/"
        bases = {
            posixpath.dirname(name)
            for name in self._files
            if name.startswith(inside) and posixpath.basename(name) in KUSTOMIZATION_FILES
        }
        for name in (*self._files, *bases):
            wanted = name in bases or name.endswith((".yaml", ".yml"))
            if wanted and name.startswith(inside) and not any(part in bases for part in _parents(name)):
                yield name

    def _kustomization(self, folder: str, document: Document, around: Around, above: tuple[str, ...]) -> None:
        content = document.content
        self._lists_something(document, content, around)
        inner = replace(
            around,
            namespace=around.namespace or text(content.get("namespace")),
            prefix=around.prefix + text(content.get("namePrefix")),
            suffix=text(content.get("nameSuffix")) + around.suffix,
            patches=(*self._patches(folder, content), *around.patches),
        )
        for kind in ("resources", "bases", "components"):
            for entry in texts(content.get(kind)):
                self._entry(folder, entry, inner, document, above)
        for kind in ("secretGenerator", "configMapGenerator"):
            for row in dicts(content.get(kind)):
                self._generated(folder, kind, row, inner, document)

    def _patches(self, folder: str, content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Those of a kustomization.yaml and of the components it includes, which change its resources too."""
        for row in dicts(content.get("patches")):
            target = _join(folder, text(row.get("path")))
            if row.get("path") and target in self._files:
                for document in self._documents(target):
                    yield {"target": row.get("target"), "content": document.content}
            else:
                yield row
        for entry in texts(content.get("components")):
            inner = _join(folder, entry)
            for name in KUSTOMIZATION_FILES:
                if _join(inner, name) in self._files:
                    for document in self._documents(_join(inner, name)):
                        yield from self._patches(inner, document.content)

    def _lists_something(self, document: Document, content: Mapping[str, Any], around: Around) -> None:
        """A folder without entries is an error to kustomize."""
        used = [key for key in content if key not in ("apiVersion", "kind", "metadata", "namespace")]
        if not any(content.get(key) for key in used):
            self._say(
                document,
                "this kustomization.yaml lists nothing, which kustomize refuses; add resources, or remove it from "
                f"{self.tree.layers[around.owner].name}",
                "build",
            )

    def _entry(self, folder: str, entry: str, around: Around, asked: Document, above: tuple[str, ...]) -> None:
        if "://" in entry or entry.startswith(("git@", "github.com/")):
            # somebody else's, and this is offline
            self.tree.remote.add(self.tree.layers[around.owner].path)
            return
        target = _join(folder, entry)
        if target in self._files:
            self._file(target, around)
        elif target in self._folders:
            self._folder(target, around, asked, above)
        else:
            self._say(asked, f"it lists {entry}, which is not there; add the file, or remove the entry", "build")

    def _file(self, name: str, around: Around) -> None:
        if name in self._folders:
            self._folder(name, around, Document(name, 1, {}), ())
            return
        for document in self._documents(name):
            if document.kind and document.content.get("apiVersion"):
                self._place(document, around)

    def _place(self, document: Document, around: Around) -> None:
        wide = document.kind in CLUSTER_WIDE
        namespace = "" if wide else around.namespace or document.namespace
        if document.kind == "Kustomization" and document.group == FLUX:
            document = replace(document, content=patched(document, around.patches))
        name = f"{around.prefix}{document.name}{around.suffix}"
        if document.kind == "Namespace" and around.namespace:
            # kustomize's namespace transformer names it too
            name = around.namespace
        self.tree.placed.append(Placed(document, around.owner, name, namespace))

    def _generated(self, folder: str, kind: str, row: Mapping[str, Any], around: Around, asked: Document) -> None:
        made = {
            "apiVersion": "v1",
            "kind": "Secret" if kind == "secretGenerator" else "ConfigMap",
            "metadata": {"name": text(row.get("name")), "namespace": text(row.get("namespace"))},
            "generated": True,
        }
        keys = {}
        for entry in (
            *texts(row.get("files")),
            *texts(row.get("envs")),
            *([text(row["env"])] if row.get("env") else []),
        ):
            key, _sign, path = entry.rpartition("=")
            target = _join(folder, path)
            keys[key or posixpath.basename(path)] = ""
            if target not in self._files:
                self._say(
                    asked, f"its generator reads {path}, which is not there; add the file, or remove the entry", "build"
                )
        for literal in texts(row.get("literals")):
            keys[literal.partition("=")[0]] = ""
        self._place(Document(asked.file, asked.line, {**made, "data": keys}), around)

    def _documents(self, name: str) -> list[Document]:
        documents, findings = self._read(name)
        self.tree.findings.update(findings)
        return documents

    def _say(self, document: Document, message: str, rule: str) -> None:
        self.tree.findings.add(document.finding(message, rule))


def kustomization_of(folder: str, files: Container[str]) -> str:
    """The kustomization.yaml of a folder; empty when it has none."""
    return next((name for each in KUSTOMIZATION_FILES if (name := _join(folder, each)) in files), "")


def needed(placed: Placed) -> tuple[str, ...]:
    """What an object of Flux depends on, by namespace and name."""
    home = placed.namespace or "flux-system"
    rows = dicts(placed.document.spec.get("dependsOn"))
    return tuple(f"{text(row.get('namespace')) or home}/{text(row.get('name'))}" for row in rows if row.get("name"))


def _parents(name: str) -> Iterator[str]:
    folder = posixpath.dirname(name)
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield "."


def _clean(path: str) -> str:
    return posixpath.normpath(path.lstrip("/") or ".")


def _join(folder: str, entry: str) -> str:
    return posixpath.normpath(posixpath.join(folder, entry))
