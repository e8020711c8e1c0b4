# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: read what the judge needs from a cluster's API; no Secret among it."""

from __future__ import annotations

from typing import Any

from .._cluster.client import Cluster

# name -> group ("" for the core) and path below its version
KINDS = {
    "nodes": ("", "nodes"),
    "pods": ("", "pods"),
    "persistentvolumes": ("", "persistentvolumes"),
    "persistentvolumeclaims": ("", "persistentvolumeclaims"),
    "daemonsets": ("apps", "daemonsets"),
    "deployments": ("apps", "deployments"),
    "storageclasses": ("storage.k8s.io", "storageclasses"),
    "csinodes": ("storage.k8s.io", "csinodes"),
    "etcdsnapshotfiles": ("k3s.cattle.io", "etcdsnapshotfiles"),
    "volumes": ("longhorn.io", "volumes"),
    "longhorn-nodes": ("longhorn.io", "nodes"),
    "gateways": ("gateway.networking.k8s.io", "gateways"),
    "gatewayclasses": ("gateway.networking.k8s.io", "gatewayclasses"),
    "ciliumloadbalancerippools": ("cilium.io", "ciliumloadbalancerippools"),
    "ciliumbgpnodeconfigs": ("cilium.io", "ciliumbgpnodeconfigs"),
    "ciliumbgppeeringpolicies": ("cilium.io", "ciliumbgppeeringpolicies"),
    "certificates": ("cert-manager.io", "certificates"),
    "gitrepositories": ("source.toolkit.fluxcd.io", "gitrepositories"),
    "ocirepositories": ("source.toolkit.fluxcd.io", "ocirepositories"),
    "buckets": ("source.toolkit.fluxcd.io", "buckets"),
    "helmrepositories": ("source.toolkit.fluxcd.io", "helmrepositories"),
    "helmcharts": ("source.toolkit.fluxcd.io", "helmcharts"),
    "kustomizations": ("kustomize.toolkit.fluxcd.io", "kustomizations"),
    "helmreleases": ("helm.toolkit.fluxcd.io", "helmreleases"),
}


def objects(cluster: Cluster) -> dict[str, list[dict[str, Any]] | None]:
    """Everything by plural; None where the cluster does not know the kind."""
    served = {group: versions(cluster, group) for group in sorted({group for group, _path in KINDS.values()})}
    return {name: _list(cluster, served[group], path) for name, (group, path) in KINDS.items()}


def versions(cluster: Cluster, group: str) -> list[str]:
    """Base paths of a group's served versions, the preferred one first; a kind may be in one of them alone."""
    if not group:
        return ["/api/v1"]
    answer = cluster.find(f"/apis/{group}")
    if answer is None:
        return []
    preferred = (answer.get("preferredVersion") or {}).get("groupVersion")
    names = [entry["groupVersion"] for entry in answer.get("versions") or ()]
    return [f"/apis/{name}" for name in sorted(names, key=lambda name: name != preferred)]


def _list(cluster: Cluster, bases: list[str], path: str) -> list[dict[str, Any]] | None:
    for base in bases:
        answer = cluster.find(f"{base}/{path}")
        if answer is not None:
            return list(answer.get("items") or ())
    return None
