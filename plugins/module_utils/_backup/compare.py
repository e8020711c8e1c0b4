# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the API's objects, as a backup lists them."""

from __future__ import annotations

from .._cluster.client import Cluster
from .manifest import Item, lasting

_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "Node": "/api/v1/nodes",
    "Secret": "/api/v1/secrets",
    "ConfigMap": "/api/v1/configmaps",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "PersistentVolume": "/api/v1/persistentvolumes",
    "PersistentVolumeClaim": "/api/v1/persistentvolumeclaims",
}


def items_of(cluster: Cluster) -> list[Item]:
    """Every object of the kinds that a restore is verified by."""
    found = []
    for kind, path in _PATHS.items():
        for document in cluster.get(path)["items"]:
            metadata = document["metadata"]
            found.append(Item(kind, metadata.get("namespace") or "", metadata["name"], metadata["uid"]))
    return lasting(found)
