# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DOUBLE of flux-operator: out of a FluxInstance it makes controllers and sync objects, marked as its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import Cluster
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.objects import chosen, path_of
from lab import flux_releases
from lab.flux.objects import Obj, ready, report

LABEL = "fluxcd.controlplane.io"


@dataclass
class Instances:
    """Every FluxInstance; one that is Ready is left alone until it is changed."""

    cluster: Cluster

    def sync(self, items: list[Obj]) -> None:
        """Apply what is new."""
        for item in items:
            if not ready(item):
                for made in self._objects(item):
                    owner = {f"{LABEL}/{key}": item["metadata"][key] for key in ("name", "namespace")}
                    metadata = made["metadata"]
                    metadata["labels"] = {**(metadata.get("labels") or {}), **owner}
                    self.cluster.apply(path_of(made), made, manager="flux-operator")
                report(self.cluster, item, None, "ReconciliationSucceeded", "applied (by a double of flux-operator)")

    def _objects(self, item: Obj) -> list[Obj]:
        spec = item["spec"]
        version = spec["distribution"]["version"]
        return [*chosen(flux_releases.objects(version), spec["components"]), *sync_of(spec)]


def sync_of(spec: Obj) -> list[Obj]:
    """GitRepository and Kustomization, patched as the instance says."""
    sync = spec["sync"]
    source: Obj = {"url": sync["url"], "interval": sync["interval"], "ref": {"name": sync["ref"]}}
    if "pullSecret" in sync:
        source["secretRef"] = {"name": sync["pullSecret"]}
    reference = {"kind": "GitRepository", "name": "flux-system"}
    layer: Obj = {"interval": "10m", "path": sync["path"], "prune": True, "sourceRef": reference}
    for patch in (spec.get("kustomize") or {}).get("patches") or ():
        for row in yaml.safe_load(patch["patch"]):
            if (patch["target"].get("kind"), row["op"]) == ("Kustomization", "add"):
                layer[row["path"].removeprefix("/spec/")] = row["value"]
    return [_flux("source", "GitRepository", source), _flux("kustomize", "Kustomization", layer)]


def _flux(group: str, kind: str, spec: Any) -> Obj:
    metadata = {"name": "flux-system", "namespace": "flux-system"}
    return {"apiVersion": f"{group}.toolkit.fluxcd.io/v1", "kind": kind, "metadata": metadata, "spec": spec}
