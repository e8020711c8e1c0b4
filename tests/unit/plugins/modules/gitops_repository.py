# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small repository as Flux wants it, with Secrets that SOPS would have encrypted, to spoil in one place at a time."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import Any

import pyrage
import yaml
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gitops.sops import leaves

CLUSTER = "clusters/k3s-home"
STAMP = "2026-01-01T00:00:00Z"


def seal(value: str, key: bytes, additional: str) -> str:
    """One value as sops writes it."""
    vector = os.urandom(32)
    sealed = AESGCM(key).encrypt(vector, value.encode(), additional.encode())
    parts = [base64.b64encode(part).decode() for part in (sealed[:-16], vector, sealed[-16:])]
    return f"ENC[AES256_GCM,data:{parts[0]},iv:{parts[1]},tag:{parts[2]},type:str]"


def encrypted(document: dict[str, Any], *recipients: pyrage.x25519.Recipient) -> dict[str, Any]:
    """A Secret after `sops --encrypt` with encrypted_regex ^(data|stringData)$."""
    key = os.urandom(32)
    digest = hashlib.sha512("".join(value for _path, value in leaves(document)).encode())
    sealed = dict(document)
    for part in ("data", "stringData"):
        if part in document:
            sealed[part] = {name: seal(value, key, f"{part}:{name}:") for name, value in document[part].items()}
    age = [{"recipient": str(each), "enc": armoured(pyrage.encrypt(key, [each]))} for each in recipients]
    mac = seal(digest.hexdigest().upper(), key, STAMP)
    sealed["sops"] = {
        "age": age,
        "lastmodified": STAMP,
        "mac": mac,
        "encrypted_regex": "^(data|stringData)$",
        "version": "3.9.0",
    }
    return sealed


def armoured(data: bytes) -> str:
    text = base64.b64encode(data).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN AGE ENCRYPTED FILE-----", *lines, "-----END AGE ENCRYPTED FILE-----", ""])


def thing(api: str, kind: str, name: str, namespace: str = "", **parts: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **parts}


def layer(name: str, path: str, **spec: Any) -> dict[str, Any]:
    source = {"kind": "GitRepository", "name": "flux-system"}
    settings = {"interval": "10m", "path": f"./{path}", "prune": True, "sourceRef": source, **spec}
    return thing("kustomize.toolkit.fluxcd.io/v1", "Kustomization", name, "flux-system", spec=settings)


DECRYPTION = {"provider": "sops", "secretRef": {"name": "sops-age"}}


class Repository:
    """Files by name; each is a list of documents, or text."""

    def __init__(self, root: Path) -> None:
        self.root = root / "repository"
        self.key, self.spare = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
        self.identity = root / "keys.txt"
        self.identity.write_text(f"# made for a test\n{self.key}\n")
        self.files: dict[str, Any] = {}
        self._flux()
        self._cert_manager()
        self._apps()

    def sealed(self, name: str, namespace: str, **values: str) -> dict[str, Any]:
        secret = thing("v1", "Secret", name, namespace, type="Opaque", stringData=values)
        return encrypted(secret, self.key.to_public(), self.spare.to_public())

    def _flux(self) -> None:
        self.put(f"{CLUSTER}/flux-system/gotk-sync.yaml", layer("flux-system", CLUSTER, decryption=DECRYPTION))
        self.put(f"{CLUSTER}/flux-system/kustomization.yaml", {"resources": ["gotk-sync.yaml"]})
        self.put(f"{CLUSTER}/kustomization.yaml", {"resources": ["flux-system", "layers.yaml"]})
        self.put(
            f"{CLUSTER}/layers.yaml",
            layer("sources", f"{CLUSTER}/sources"),
            layer(
                "cert-manager", f"{CLUSTER}/cert-manager", dependsOn=[{"name": "sources"}], wait=True,
                decryption=DECRYPTION,
            ),
            layer("issuers", f"{CLUSTER}/issuers", dependsOn=[{"name": "cert-manager"}]),
            layer(
                "apps", f"{CLUSTER}/apps", dependsOn=[{"name": "issuers"}], decryption=DECRYPTION,
                postBuild={"substitute": {"DOMAIN": "example.net"}},
            ),
        )  # fmt: skip
        repository = thing(
            "source.toolkit.fluxcd.io/v1",
            "HelmRepository",
            "jetstack",
            "flux-system",
            spec={"url": "https://charts.example"},
        )
        self.put(f"{CLUSTER}/sources/jetstack.yaml", repository)

    def _cert_manager(self) -> None:
        chart = {
            "spec": {
                "chart": "cert-manager",
                "version": "1.16.2",
                "sourceRef": {"kind": "HelmRepository", "name": "jetstack", "namespace": "flux-system"},
            }
        }
        self.put(
            f"{CLUSTER}/cert-manager/release.yaml",
            thing("v1", "Namespace", "cert-manager"),
            thing(
                "helm.toolkit.fluxcd.io/v2",
                "HelmRelease",
                "cert-manager",
                "cert-manager",
                spec={"interval": "1h", "chart": chart},
            ),
        )
        self.put(f"{CLUSTER}/cert-manager/token-secret.yaml", self.sealed("cloudflare", "cert-manager", token="t0ken"))
        solver = {"dns01": {"cloudflare": {"apiTokenSecretRef": {"name": "cloudflare", "key": "token"}}}}
        issuer = {"acme": {"privateKeySecretRef": {"name": "account"}, "solvers": [solver]}}
        self.put(
            f"{CLUSTER}/issuers/issuer.yaml", thing("cert-manager.io/v1", "ClusterIssuer", "letsencrypt", spec=issuer)
        )

    def _apps(self) -> None:
        container = {
            "name": "web", "image": "web:1", "envFrom": [{"secretRef": {"name": "web"}}],
            "env": [{"name": "HOST", "value": "web.${DOMAIN}"}],
            "args": ["$${NOT_A_VARIABLE}", "${PORT:=80}"],
        }  # fmt: skip
        pod = {"containers": [container], "volumes": [{"name": "settings", "configMap": {"name": "settings"}}]}
        self.put(f"{CLUSTER}/apps/kustomization.yaml", {
            "namespace": "web", "resources": ["namespace.yaml", "deployment.yaml", "secret.yaml"],
            "configMapGenerator": [{"name": "settings", "files": ["settings.ini"]}],
        })  # fmt: skip
        self.put(f"{CLUSTER}/apps/settings.ini", "[web]\n")
        self.put(f"{CLUSTER}/apps/namespace.yaml", thing("v1", "Namespace", "web"))
        template = {"metadata": {"labels": {"app": "web"}}, "spec": pod}
        self.put(
            f"{CLUSTER}/apps/deployment.yaml",
            thing(
                "apps/v1", "Deployment", "web", spec={"selector": {"matchLabels": {"app": "web"}}, "template": template}
            ),
        )
        self.put(f"{CLUSTER}/apps/secret.yaml", self.sealed("web", "web", password="hunter2"))

    def put(self, name: str, *documents: Any) -> None:
        """Write a file of these documents, or this text."""
        self.files[name] = documents
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if len(documents) == 1 and isinstance(documents[0], str):
            target.write_text(documents[0])
        else:
            target.write_text("---\n".join(yaml.safe_dump(each, sort_keys=False) for each in documents))

    def change(self, name: str, number: int, **spec: Any) -> None:
        """Set fields of one document's spec; None takes one away."""
        documents = [dict(each) for each in self.files[name]]
        settings = {**documents[number].get("spec", {}), **spec}
        documents[number]["spec"] = {key: value for key, value in settings.items() if value is not None}
        self.put(name, *documents)

    def text(self, name: str) -> str:
        return (self.root / name).read_text()
