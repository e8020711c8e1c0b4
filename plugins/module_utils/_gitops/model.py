# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what a GitOps repository is made of, and what may be said of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# Where objects without a namespace of their own end, and what every cluster has.
BUILT_IN_NAMESPACES = frozenset({"default", "flux-system", "kube-node-lease", "kube-public", "kube-system"})


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong, where, and what to do."""

    file: str
    line: int
    message: str
    # the kind of finding, for those who count them
    rule: str


@dataclass(frozen=True)
class Document:
    """One YAML document of a file, as it stands there."""

    file: str
    line: int
    content: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return text(self.content.get("kind"))

    @property
    def group(self) -> str:
        version = text(self.content.get("apiVersion"))
        return version.rpartition("/")[0]

    @property
    def version(self) -> str:
        return text(self.content.get("apiVersion")).rpartition("/")[2]

    @property
    def metadata(self) -> Mapping[str, Any]:
        return mapping(self.content.get("metadata"))

    @property
    def name(self) -> str:
        return text(self.metadata.get("name"))

    @property
    def namespace(self) -> str:
        return text(self.metadata.get("namespace"))

    @property
    def spec(self) -> Mapping[str, Any]:
        return mapping(self.content.get("spec"))

    @property
    def encrypted(self) -> bool:
        return isinstance(self.content.get("sops"), dict)

    def finding(self, message: str, rule: str) -> Finding:
        """Something that is wrong with this document."""
        return Finding(self.file, self.line, message, rule)


@dataclass(frozen=True)
class Placed:
    """A document as a Flux Kustomization applies it."""

    document: Document
    # key of the layer that applies it
    owner: str
    # after the transformers of kustomize and Flux
    name: str
    namespace: str

    @property
    def title(self) -> str:
        """How a sentence calls it."""
        return f"{self.document.kind} {self.name}"


@dataclass(frozen=True)
class Layer:
    """A Flux Kustomization of this repository; the root of all has no document when nothing defines it."""

    name: str
    namespace: str
    path: str
    document: Document
    depends_on: tuple[str, ...] = ()
    decrypts: bool = False
    substitutes: bool = False

    @property
    def key(self) -> str:
        """What dependsOn means: a Kustomization of a namespace."""
        return f"{self.namespace}/{self.name}"


@dataclass
class Tree:
    """Everything that is applied, beginning at one path."""

    layers: dict[str, Layer] = field(default_factory=dict)
    placed: list[Placed] = field(default_factory=list)
    findings: set[Finding] = field(default_factory=set)
    # paths of layers that take something from elsewhere
    remote: set[str] = field(default_factory=set)

    def owner_of(self, placed: Placed) -> str:
        """The name of the Kustomization that applies it."""
        return self.layers[placed.owner].name

    def of_kind(self, kind: str, group: str = "") -> Iterator[Placed]:
        for placed in self.placed:
            if placed.document.kind == kind and placed.document.group.startswith(group):
                yield placed


def text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def dicts(value: object) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def texts(value: object) -> list[str]:
    return [row for row in value if isinstance(row, str)] if isinstance(value, list) else []
