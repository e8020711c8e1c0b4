# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DOUBLE of kustomize-controller: it builds, decrypts, applies and prunes for real; it substitutes nothing."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
import yaml

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._age import unwrapper
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import Cluster, ClusterError, Refusal
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.objects import path_of
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gitops.sops import (
    SopsError,
    is_sealed,
    open_value,
    sealed_keys,
)
from lab.flux.objects import Failure, Obj, is_due, ready, report, secret
from lab.flux.source import Sources

LABEL = "kustomize.toolkit.fluxcd.io"
FIRST = ("Namespace", "CustomResourceDefinition")


@dataclass
class Kustomizations:
    """Every Kustomization."""

    cluster: Cluster
    sources: Sources
    kubectl: str
    _looked: dict[str, float] = field(default_factory=dict)

    def sync(self, items: list[Obj], repositories: list[Obj]) -> None:
        """Apply those that are due, or whose source has something new."""
        fetched = {item["metadata"]["name"]: revision(item) for item in repositories if ready(item)}
        states = {item["metadata"]["name"]: ready(item) for item in items}
        for item in items:
            uid, source = item["metadata"]["uid"], fetched.get(item["spec"]["sourceRef"]["name"], "")
            new = source != (item.get("status") or {}).get("lastAttemptedRevision")
            if not item["spec"].get("suspend") and (new or is_due(item, self._looked.get(uid, 0.0))):
                self._looked[uid] = time.monotonic()
                self._reconcile(item, source, states)

    def _reconcile(self, item: Obj, source: str, states: dict[str, bool]) -> None:
        try:
            entries = self._apply(item, source, states)
        except Failure as failure:
            report(self.cluster, item, failure, "", "", lastAttemptedRevision=source)
            return
        more = {"lastAppliedRevision": source, "lastAttemptedRevision": source, "inventory": {"entries": entries}}
        said = f"Applied revision: {source} (by a double of kustomize-controller)"
        report(self.cluster, item, None, "ReconciliationSucceeded", said, **more)

    def _apply(self, item: Obj, source: str, states: dict[str, bool]) -> list[Obj]:
        files = self.sources.files(source)
        if files is None:
            raise Failure("ArtifactFailed", "Source artifact not found, retrying in 30s")
        for needed in item["spec"].get("dependsOn") or ():
            if not states.get(needed["name"]):
                raise Failure("DependencyNotReady", f"dependency 'flux-system/{needed['name']}' is not ready")
        folder = files / str(item["spec"].get("path", "./")).removeprefix("./")
        if not folder.is_dir():
            raise Failure("ArtifactFailed", f"kustomization path not found: {item['spec'].get('path')}")
        opened = [self._open(item, document) for document in self._build(folder)]
        entries = []
        for document in sorted(opened, key=lambda each: each["kind"] not in FIRST):
            entries.append({"id": self._put(item, document)})
        self._prune(item, entries)
        return entries

    def _build(self, folder: Path) -> list[Obj]:
        if any((folder / name).exists() for name in ("kustomization.yaml", "kustomization.yml")):
            argv = [self.kubectl, "kustomize", "--load-restrictor=LoadRestrictionsNone", str(folder)]
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Failure("BuildFailed", f"kustomize build failed: {done.stderr.strip()}")
            texts = [done.stdout]
        else:
            texts = [path.read_text() for path in sorted(folder.rglob("*.y*ml"))]
        return [document for text in texts for document in yaml.safe_load_all(text) if document]

    def _open(self, item: Obj, document: Obj) -> Obj:
        if "sops" not in document:
            return document
        name = f"{document['kind']}/{document['metadata'].get('namespace')}/{document['metadata']['name']}"
        reference = (item["spec"].get("decryption") or {}).get("secretRef")
        if not reference:
            said = f"{name} is SOPS encrypted, configuring decryption is required for this secret to be reconciled"
            raise Failure("ReconciliationFailed", said)
        try:
            keys = secret(self.cluster, item["metadata"]["namespace"], reference["name"])
        except KeyError as error:
            raise Failure("BuildFailed", f"cannot get decryption Secret '{reference['name']}': not found") from error
        lines = [line for key, text in keys.items() if key.endswith(".agekey") for line in text.decode().split()]
        unwrap = unwrapper([pyrage.x25519.Identity.from_str(line) for line in lines])
        data_key = next((key for sealed in sealed_keys(document["sops"]) if (key := unwrap(sealed))), None)
        if data_key is None:
            raise Failure("BuildFailed", f"cannot get sops data key: 0 successful groups required, got 0 ({name})")
        try:
            return {key: _opened(value, (key,), data_key) for key, value in document.items() if key != "sops"}
        except SopsError as error:
            raise Failure("BuildFailed", f"failed to decrypt {name}: {error}") from error

    def _put(self, item: Obj, document: Obj) -> str:
        metadata = document.setdefault("metadata", {})
        owner = {f"{LABEL}/{key}": item["metadata"][key] for key in ("name", "namespace")}
        metadata["labels"] = {**(metadata.get("labels") or {}), **owner}
        path = path_of(document)
        try:
            self.cluster.apply(path, document, manager="kustomize-controller")
        except Refusal as error:
            said = f"{document['kind']}/{metadata['name']} dry-run failed: {error}"
            raise Failure("ReconciliationFailed", said) from error
        return path

    def _prune(self, item: Obj, entries: list[Obj]) -> None:
        before = ((item.get("status") or {}).get("inventory") or {}).get("entries") or ()
        gone = {entry["id"] for entry in before} - {entry["id"] for entry in entries}
        for path in gone if item["spec"].get("prune") else ():
            try:
                self.cluster.request("DELETE", path)
            except ClusterError:
                continue


def _opened(value: Any, path: tuple[str, ...], key: bytes) -> Any:
    if isinstance(value, dict):
        return {name: _opened(part, (*path, str(name)), key) for name, part in value.items()}
    if isinstance(value, list):
        return [_opened(part, path, key) for part in value]
    return open_value(value, key, ":".join(path) + ":") if is_sealed(value) else value


def revision(item: Obj) -> str:
    """What a source has fetched."""
    return str(((item.get("status") or {}).get("artifact") or {}).get("revision", ""))
