# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deleting: at once, or first a deletionTimestamp while finalizers, grace periods and contents are dealt with."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta

from lab.k3s_standin.api import crd
from lab.k3s_standin.api.errors import Obj
from lab.k3s_standin.api.registry import Registry
from lab.k3s_standin.api.resources import Resource
from lab.k3s_standin.api.stores import Store
from lab.k3s_standin.api.writes import stamp, with_policy


class Deletion:
    """Takes objects out of the store, in steps where steps are needed."""

    def __init__(self, store: Store, registry: Registry, graceful_pods: bool) -> None:
        self._store = store
        self._registry = registry
        self._graceful_pods = graceful_pods

    def begin(self, resource: Resource, live: Obj, options: Obj) -> Obj:
        """Remove the object, or mark it: the answer then has a deletionTimestamp."""
        metadata = live["metadata"]
        finalizers = with_policy(metadata.get("finalizers") or [], options)
        grace = self._grace(resource, live, options)
        if not (finalizers or grace or _has_contents(resource, live)):
            return self.remove(resource, live)
        known = metadata.get("deletionGracePeriodSeconds") or 0
        marked = "deletionTimestamp" in metadata and finalizers == (metadata.get("finalizers") or [])
        if marked and known <= grace:
            return live
        new = copy.deepcopy(live)
        moment = metadata.get("deletionTimestamp") or stamp(datetime.now(UTC) + timedelta(seconds=grace))
        new["metadata"].update(deletionTimestamp=moment, deletionGracePeriodSeconds=grace)
        if finalizers:
            new["metadata"]["finalizers"] = finalizers
        if resource.key == "namespaces":
            new["status"]["phase"] = "Terminating"
        return self._store.update(resource.key, new)

    def is_complete(self, resource: Resource, obj: Obj) -> bool:
        """Whether nothing holds a marked object any more."""
        metadata = obj["metadata"]
        held = metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds") or _has_contents(resource, obj)
        return "deletionTimestamp" in metadata and not held

    def remove(self, resource: Resource, live: Obj) -> Obj:
        """Remove an object, and with a CustomResourceDefinition all its objects."""
        metadata = live["metadata"]
        if resource.key == crd.CRD_KEY:
            key = metadata["name"]
            self._registry.remove(key)
            for item in self._store.list(key)[0]:
                self._store.delete(key, item["metadata"].get("namespace"), item["metadata"]["name"])
        return self._store.delete(
            resource.key, metadata.get("namespace"), metadata["name"], metadata["resourceVersion"]
        )

    def _grace(self, resource: Resource, live: Obj, options: Obj) -> int:
        if resource.key != "pods" or not self._graceful_pods:
            return 0
        spec, status = live.get("spec") or {}, live.get("status") or {}
        if not spec.get("nodeName") or status.get("phase") in ("Succeeded", "Failed"):
            return 0
        asked = options.get("gracePeriodSeconds")
        return int(spec.get("terminationGracePeriodSeconds", 30) if asked is None else asked)


def _has_contents(resource: Resource, obj: Obj) -> bool:
    # The finalizer in a namespace's spec stands for the objects inside it.
    return resource.key == "namespaces" and bool(obj["spec"].get("finalizers"))
