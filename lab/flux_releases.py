# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill the mirror for the layer gitops: DOUBLES of what Flux and flux-operator release, with their lists of digests.

    python -m lab.flux_releases --state .lab/NAME 2.6.1 2.7.5

Names, labels, images and API versions are upstream's (fluxcd/flux2, manifests/install); the schemas take anything.
Where upstream's own files are at hand they are taken: HOMELAB_FLUX names a folder with vVERSION/install.yaml.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

NAMESPACE, OPERATOR = "flux-system", "0.58.1"
PART, COMPONENT = {"app.kubernetes.io/part-of": "flux", "app.kubernetes.io/instance": NAMESPACE}, "component"
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
# controller -> kinds that it defines, and the minor version of its own beside Flux' 2.0
CONTROLLERS: dict[str, tuple[str, tuple[str, ...], int]] = {
    "source-controller": (
        "source.toolkit.fluxcd.io/v1",
        ("Bucket", "GitRepository", "HelmChart", "HelmRepository", "OCIRepository"),
        0,
    ),
    "kustomize-controller": ("kustomize.toolkit.fluxcd.io/v1", ("Kustomization",), 0),
    "helm-controller": ("helm.toolkit.fluxcd.io/v2", ("HelmRelease",), -3),
    "notification-controller": ("notification.toolkit.fluxcd.io/v1", ("Receiver",), 0),
    "image-reflector-controller": ("image.toolkit.fluxcd.io/v1", ("ImageRepository", "ImagePolicy"), -6),
}
# Versions that a release served beside the one above, stored by none of the doubles' objects.
OLDER = {"2.6": {"GitRepository": ("v1beta2",), "HelmRelease": ("v2beta2",)}}


def fill(state: Path, versions: list[str]) -> None:
    """Put each version's files where its release has them."""
    for version in versions:
        real = Path(os.environ.get("HOMELAB_FLUX") or "/nonexistent") / f"v{version}" / "install.yaml"
        content = real.read_bytes() if real.is_file() else double(version).encode()
        _release(state / "mirror" / "fluxcd" / "flux2", "flux", version, content)
    text = "# A DOUBLE of flux-operator's install.yaml, for the lab\n"
    content = (text + yaml.safe_dump_all(operator_objects(), sort_keys=False)).encode()
    _release(state / "mirror" / "controlplaneio-fluxcd" / "flux-operator", "flux-operator", OPERATOR, content)


def _release(project: Path, name: str, version: str, content: bytes) -> None:
    folder = project / "releases" / "download" / f"v{version}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "install.yaml").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    (folder / f"{name}_{version}_checksums.txt").write_text(f"{digest}  install.yaml\n")


def double(version: str) -> str:
    """The objects of a release, as one file."""
    return "# A DOUBLE of Flux's install.yaml, for the lab\n" + yaml.safe_dump_all(objects(version), sort_keys=False)


def objects(version: str) -> Iterator[dict[str, Any]]:
    """In upstream's order: what stands alone, then each controller, then what they share."""
    marks = {"pod-security.kubernetes.io/warn": "restricted", "pod-security.kubernetes.io/warn-version": "latest"}
    namespace = _object("v1", "Namespace", NAMESPACE, "", "")
    namespace["metadata"]["labels"] |= marks
    yield namespace
    for name, (group, kinds, _offset) in CONTROLLERS.items():
        for kind in kinds:
            yield _definition(name, group, kind, version)
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    yield _object("rbac.authorization.k8s.io/v1", "ClusterRole", f"crd-controller-{NAMESPACE}", "", "", rules=[rule])
    quota = {"hard": {"pods": "1000"}}
    yield _object("v1", "ResourceQuota", f"critical-pods-{NAMESPACE}", NAMESPACE, "", spec=quota)
    for name, (_group, _kinds, offset) in CONTROLLERS.items():
        yield _object("v1", "ServiceAccount", name, NAMESPACE, name)
        yield _deployment(name, _tag(version, offset))
    ports = [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}]
    service = {"selector": {"app": "source-controller"}, "ports": ports, "type": "ClusterIP"}
    yield _object("v1", "Service", "source-controller", NAMESPACE, "source-controller", spec=service)
    policy = {"policyTypes": ["Ingress", "Egress"], "ingress": [{"from": [{"podSelector": {}}]}], "egress": [{}]}
    shared = {"podSelector": {}, **policy}
    yield _object("networking.k8s.io/v1", "NetworkPolicy", "allow-egress", NAMESPACE, "", spec=shared)


def operator_objects() -> Iterator[dict[str, Any]]:
    """The objects of flux-operator's release."""
    yield _object("v1", "Namespace", NAMESPACE, "", "")
    yield _definition("", "fluxcd.controlplane.io/v1", "FluxInstance", OPERATOR)
    yield _object("v1", "ServiceAccount", "flux-operator", NAMESPACE, "")
    controller = _deployment("flux-operator", f"v{OPERATOR}")
    controller["metadata"]["labels"] = {"app.kubernetes.io/name": "flux-operator"}
    yield controller


def _tag(version: str, offset: int) -> str:
    minor = int(version.split(".")[1]) + offset
    return f"v1.{minor}.0" if minor >= 0 else f"v0.{35 + minor}.0"


def _object(api: str, kind: str, name: str, namespace: str, component: str, **parts: Any) -> dict[str, Any]:
    labels = PART | ({f"app.kubernetes.io/{COMPONENT}": component} if component else {})
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), "labels": labels}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **parts}


def _definition(component: str, api: str, kind: str, version: str) -> dict[str, Any]:
    group, _slash, stored = api.partition("/")
    plural = f"{kind.lower()[:-1]}ies" if kind.endswith("y") else f"{kind.lower()}s"
    older = OLDER.get(version.rpartition(".")[0], {}).get(kind, ())
    entries = [
        {
            "name": name,
            "served": True,
            "storage": name == stored,
            "schema": {"openAPIV3Schema": ANYTHING},
            "subresources": {"status": {}},
        }
        for name in (stored, *older)
    ]
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": entries}
    header = _object("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{group}", "", component)
    return {**header, "spec": spec}


def _deployment(name: str, tag: str) -> dict[str, Any]:
    container = {
        "name": "manager",
        "image": f"ghcr.io/fluxcd/{name}:{tag}",
        "args": ["--watch-all-namespaces=true", "--log-level=info", "--enable-leader-election"],
        "resources": {"limits": {"cpu": "1000m", "memory": "1Gi"}, "requests": {"cpu": "50m", "memory": "64Mi"}},
    }
    template = {
        "metadata": {"labels": {"app": name, **PART}},
        "spec": {"containers": [container], "serviceAccountName": name, "terminationGracePeriodSeconds": 10},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    return _object("apps/v1", "Deployment", name, NAMESPACE, name, spec=spec)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--state", type=Path, required=True, help="the lab's folder")
    parser.add_argument("versions", nargs="+", help="versions of Flux")
    options = parser.parse_args()
    fill(options.state, options.versions)


if __name__ == "__main__":
    main()
