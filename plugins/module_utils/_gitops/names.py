# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: Secrets and ConfigMaps that somebody makes, and those that somebody wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .model import Placed, Tree, dicts, mapping, text

Key = tuple[str, str, str]
# Annotations by which a controller makes the certificate's Secret that an object names, or copies a Secret elsewhere.
ISSUES = ("cert-manager.io/cluster-issuer", "cert-manager.io/issuer")
COPIES = (
    "reflector.v1.k8s.emberstack.com/reflection-auto-enabled",
    "reflector.v1.k8s.emberstack.com/reflection-allowed",
    "replicator.v1.mittwald.de/replicate-to",
    "replicator.v1.mittwald.de/replication-allowed",
)


@dataclass(frozen=True)
class Wanted:
    """Something is named by an object that needs it."""

    by: Placed
    kind: str
    namespace: str
    name: str


def made(tree: Tree) -> Iterator[Key]:
    """(kind, namespace, name) of what is in the repository or what a controller makes of it; * is anywhere."""
    for placed in tree.placed:
        kind, spec = placed.document.kind, placed.document.spec
        if kind in ("Secret", "ConfigMap"):
            copied = any(note in mapping(placed.document.metadata.get("annotations")) for note in COPIES)
            yield kind, "*" if copied else placed.namespace, placed.name
        elif kind in ("ExternalSecret", "ClusterExternalSecret", "SealedSecret", "PushSecret"):
            inner = mapping(spec.get("externalSecretSpec")) or spec
            target = text(mapping(inner.get("target")).get("name")) or placed.name
            yield "Secret", "*" if kind.startswith("Cluster") else placed.namespace, target
        elif kind in ("Certificate", "Issuer", "ClusterIssuer"):
            namespace = "cert-manager" if kind == "ClusterIssuer" else placed.namespace
            account = mapping(mapping(spec.get("acme")).get("privateKeySecretRef")).get("name")
            yield "Secret", namespace, text(spec.get("secretName") or account)
        elif kind in ("Gateway", "Ingress"):
            notes = mapping(placed.document.metadata.get("annotations"))
            if any(note in notes for note in ISSUES):
                for wanted in wants(placed):
                    yield "Secret", wanted.namespace, wanted.name
        elif kind == "Bundle":  # trust-manager
            yield "ConfigMap", "*", placed.name


def wants(placed: Placed) -> Iterator[Wanted]:
    """Every Secret and ConfigMap that an object names and cannot do without."""
    document, spec = placed.document, placed.document.spec
    for kind, name, namespace in _named(document.kind, spec):
        yield Wanted(placed, kind, namespace or _home(placed), name)
    for pod in _pods(document.content):
        for kind, name in _of_pod(pod):
            yield Wanted(placed, kind, placed.namespace, name)


def _home(placed: Placed) -> str:
    """Where an object's own references point."""
    return "cert-manager" if placed.document.kind == "ClusterIssuer" else placed.namespace


def _named(kind: str, spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(kind, name, namespace) by the fields that each kind has for them."""
    reader = READERS.get(kind)
    if reader is not None:
        yield from reader(spec)


def _of_source(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield from _reference(spec.get("secretRef"), "Secret")
    yield from _reference(spec.get("certSecretRef"), "Secret")


def _of_kustomization(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield from _reference(mapping(spec.get("decryption")).get("secretRef"), "Secret")
    yield from _reference(mapping(spec.get("kubeConfig")).get("secretRef"), "Secret")
    for row in dicts(mapping(spec.get("postBuild")).get("substituteFrom")):
        yield from _reference(row, text(row.get("kind")))


def _of_release(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for row in dicts(spec.get("valuesFrom")):
        yield from _reference(row, text(row.get("kind")))
    for name in _existing(spec.get("values")):
        yield "Secret", name, text(spec.get("targetNamespace"))


def _of_issuer(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name in _solver_secrets(spec):
        yield "Secret", name, ""


def _of_gateway(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for listener in dicts(spec.get("listeners")):
        for row in dicts(mapping(listener.get("tls")).get("certificateRefs")):
            if text(row.get("kind")) in ("", "Secret"):
                yield "Secret", text(row.get("name")), text(row.get("namespace"))


def _of_ingress(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for row in dicts(spec.get("tls")):
        yield "Secret", text(row.get("secretName")), ""


def _of_backup_location(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield from _reference(spec.get("credential"), "Secret")


def _reference(value: object, kind: str) -> Iterator[tuple[str, str, str]]:
    row = mapping(value)
    if row.get("name") and not row.get("optional") and kind in ("Secret", "ConfigMap"):
        yield kind, text(row["name"]), text(row.get("namespace"))


def _existing(value: object) -> Iterator[str]:
    """Charts call a Secret that they do not make existingSecret."""
    for name, part in _pairs(value):
        if name == "existingSecret" and isinstance(part, str) and part and "{{" not in part:
            yield part


def _solver_secrets(value: object) -> Iterator[str]:
    for name, part in _pairs(value):
        if name.endswith("SecretRef") and name != "privateKeySecretRef" and isinstance(part, dict) and part.get("name"):
            yield text(part["name"])


def _pairs(value: object) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield str(name), part
            yield from _pairs(part)
    elif isinstance(value, list):
        for part in value:
            yield from _pairs(part)


def _pods(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Pod specifications of the kinds that Kubernetes itself runs."""
    kind, spec = content.get("kind"), mapping(content.get("spec"))
    if kind == "Pod":
        yield spec
    elif kind in ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "Job"):
        yield mapping(mapping(spec.get("template")).get("spec"))
    elif kind == "CronJob":
        job = mapping(mapping(spec.get("jobTemplate")).get("spec"))
        yield mapping(mapping(job.get("template")).get("spec"))


def _of_pod(pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for container in (*dicts(pod.get("containers")), *dicts(pod.get("initContainers"))):
        for row in dicts(container.get("env")):
            source = mapping(row.get("valueFrom"))
            yield from _kinds(source, "secretKeyRef", "configMapKeyRef", "name")
        for row in dicts(container.get("envFrom")):
            yield from _kinds(row, "secretRef", "configMapRef", "name")
    for volume in dicts(pod.get("volumes")):
        yield from _kinds(volume, "secret", "", "secretName")
        yield from _kinds(volume, "", "configMap", "name")
        for row in dicts(mapping(volume.get("projected")).get("sources")):
            yield from _kinds(row, "secret", "configMap", "name")
    for row in dicts(pod.get("imagePullSecrets")):
        yield "Secret", text(row.get("name"))


def _kinds(row: Mapping[str, Any], secret: str, config: str, key: str) -> Iterator[tuple[str, str]]:
    for kind, name in (("Secret", secret), ("ConfigMap", config)):
        reference = mapping(row.get(name)) if name else {}
        if reference.get(key) and not reference.get("optional"):
            yield kind, text(reference[key])


def keys_of(placed: Placed) -> set[str]:
    """The keys of a Secret or ConfigMap; an encrypted one shows them too."""
    content = placed.document.content
    return {str(key) for part in ("data", "stringData") for key in mapping(content.get(part))}


SOURCES = ("GitRepository", "HelmRepository", "OCIRepository", "Bucket", "Provider", "Receiver", "ImageRepository")
READERS: dict[str, Callable[[Mapping[str, Any]], Iterator[tuple[str, str, str]]]] = {
    **dict.fromkeys(
        ("GitRepository", "HelmRepository", "OCIRepository", "Bucket", "Provider", "Receiver", "ImageRepository"),
        _of_source,
    ),
    "Kustomization": _of_kustomization,
    "HelmRelease": _of_release,
    "Issuer": _of_issuer,
    "ClusterIssuer": _of_issuer,
    "Gateway": _of_gateway,
    "Ingress": _of_ingress,
    "BackupStorageLocation": _of_backup_location,
}
