# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods that a workload owns: found by owner, created from its template, counted when Ready."""

from __future__ import annotations

from dataclasses import dataclass

from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.errors import Obj


@dataclass(frozen=True)
class Owned:
    """One workload and the objects of one kind it owns."""

    client: Client
    owner: Obj
    key: str = "pods"

    def all(self) -> list[Obj]:
        """Everything it owns that is not on its way out."""
        metadata = self.owner["metadata"]
        return [
            item
            for item in self.client.list(self.key, metadata["namespace"])
            if not item["metadata"].get("deletionTimestamp")
            and any(owner.get("uid") == metadata["uid"] for owner in item["metadata"].get("ownerReferences") or [])
        ]

    def create_pod(self, name: str = "", **spec: object) -> None:
        """Create a pod from the workload's template; a name that is not given is generated."""
        template = self.owner["spec"]["template"]
        given = template.get("metadata") or {}
        named = {"name": name} if name else {"generateName": f"{self.owner['metadata']['name']}-"}
        metadata = {**named, "namespace": self.owner["metadata"]["namespace"], "ownerReferences": [self.reference()]}
        metadata |= {part: given[part] for part in ("labels", "annotations") if given.get(part)}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
        self.client.create({**pod, "spec": {**template["spec"], **spec}})

    def delete(self, item: Obj) -> None:
        """Delete one of them."""
        self.client.delete(self.key, item["metadata"]["name"], item["metadata"]["namespace"])

    def reference(self) -> Obj:
        """The owner reference they carry."""
        metadata = self.owner["metadata"]
        return {
            "apiVersion": self.owner["apiVersion"],
            "kind": self.owner["kind"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }

    def report(self, key: str, status: Obj) -> None:
        """Write the workload's status when it differs."""
        metadata = self.owner["metadata"]
        status = {"observedGeneration": metadata.get("generation", 1), **status}
        found = self.owner.get("status") or {}
        if any(found.get(name) != value for name, value in status.items()):
            self.client.patch(key, metadata["name"], {"status": status}, metadata["namespace"], subresource="status")


def ready(pod: Obj) -> bool:
    """Whether a pod is Ready."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)
