# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controllers every cluster needs to keep its objects consistent, driven by one watch on everything."""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.errors import AlreadyExists, ApiError, Conflict, NotFound, Obj
from lab.k3s_standin.api.operations import Operations
from lab.k3s_standin.api.subresources import status_of
from lab.k3s_standin.api.watch import Event, Watch
from lab.k3s_standin.api.writes import stamp

# As upstream's --event-ttl.
EVENT_SECONDS = 3600
_SWEEP_SECONDS = 600
_BUDGETS = "poddisruptionbudgets.policy"
_Place = tuple[str, str, str]


class Controllers:
    """Garbage collector, namespace lifecycle, default ServiceAccounts, disruption budgets, old events."""

    def __init__(self, client: Client, operations: Operations) -> None:
        self._client = client
        self._operations = operations
        self._store = operations.store
        self._dependents: dict[str, set[_Place]] = defaultdict(set)
        self._watch: Watch | None = None
        self._thread = threading.Thread(target=self._run, name="controllers", daemon=True)

    def start(self) -> None:
        """Look at everything once, then follow changes."""
        self._watch = self._store.watch(None)
        for key in self._store.resource_keys():
            for obj in self._store.list(key)[0]:
                self._watch.put(_event(key, obj))
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        if self._watch:
            self._watch.close()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        watch, next_sweep = self._watch, time.monotonic() + _SWEEP_SECONDS
        while watch is not None and not watch.closed:
            event = watch.next(max(0.0, next_sweep - time.monotonic()))
            try:
                if event is not None:
                    self._handle(event)
                if time.monotonic() >= next_sweep:
                    next_sweep = time.monotonic() + _SWEEP_SECONDS
                    self.forget_old_events()
            except (NotFound, Conflict, AlreadyExists):
                # Somebody else was quicker; their change is the next event.
                continue
            except ApiError as error:
                print(f"controller: {event and event.key}: {error.message}", file=sys.stderr)
            except Exception:
                if not watch.closed:
                    traceback.print_exc(file=sys.stderr)

    def _handle(self, event: Event) -> None:
        # Renewed leases are most of all events, and nothing here depends on them.
        if event.key == "leases.coordination.k8s.io" and event.type == "MODIFIED":
            return
        obj = event.object
        self._index(event, obj)
        if event.type == "DELETED":
            self._collect(obj["metadata"]["uid"])
            self._unblock_owners(obj["metadata"])
        elif "deletionTimestamp" in obj["metadata"]:
            self._finish_deletion(event.key, obj)
        elif event.key == "namespaces":
            self._ensure_account(event.name)
        elif obj["metadata"].get("ownerReferences") and event.type == "ADDED":
            self._collect_orphan(event.key, obj)
        if event.key == "pods" or event.key == _BUDGETS:
            self._update_budgets(event.namespace)
        if event.namespace and event.type == "DELETED":
            self._finish_namespace(event.namespace)

    def _index(self, event: Event, obj: Obj) -> None:
        place = (event.key, event.namespace, event.name)
        owners = {item.get("uid", "") for item in obj["metadata"].get("ownerReferences") or []}
        previous = (event.previous or {}).get("metadata", {}).get("ownerReferences") or []
        for uid in owners | {item.get("uid", "") for item in previous}:
            if event.type == "DELETED" or uid not in owners:
                self._dependents[uid].discard(place)
                if not self._dependents[uid]:
                    del self._dependents[uid]
            else:
                self._dependents[uid].add(place)

    def _collect(self, uid: str) -> None:
        for key, namespace, name in sorted(self._dependents.get(uid, ())):
            dependent = self._client.find(key, name, namespace)
            if dependent is not None:
                self._collect_orphan(key, dependent)

    def _collect_orphan(self, key: str, obj: Obj) -> None:
        # An object goes when none of its owners is left.
        metadata = obj["metadata"]
        if any(
            self._owner_exists(reference, metadata.get("namespace"))
            for reference in metadata.get("ownerReferences") or []
        ):
            return
        options = {"preconditions": {"uid": metadata["uid"]}, "propagationPolicy": "Background"}
        self._client.delete(key, metadata["name"], metadata.get("namespace"), options)

    def _owner_exists(self, reference: Obj, namespace: str | None) -> bool:
        resource = self._operations.registry.by_owner(reference)
        if resource is None:
            # The owner's kind is not served (any more): upstream waits, and so keeps the dependent.
            return True
        owner = self._client.find(resource.key, reference["name"], namespace if resource.namespaced else None)
        return owner is not None and owner["metadata"]["uid"] == reference["uid"]

    def _finish_deletion(self, key: str, obj: Obj) -> None:
        if key == "namespaces":
            self._empty_namespace(obj["metadata"]["name"])
        finalizers = obj["metadata"].get("finalizers") or []
        if "orphan" in finalizers:
            self._release(obj["metadata"]["uid"])
            self._drop_finalizer(key, obj, "orphan")
        elif "foregroundDeletion" in finalizers:
            self._delete_dependents(obj["metadata"]["uid"])
            if not self._blocking(obj["metadata"]["uid"]):
                self._drop_finalizer(key, obj, "foregroundDeletion")

    def _release(self, uid: str) -> None:
        for key, namespace, name in sorted(self._dependents.get(uid, ())):

            def without_owner(obj: Obj) -> Obj:
                references = [item for item in obj["metadata"]["ownerReferences"] if item.get("uid") != uid]
                return {**obj, "metadata": {**obj["metadata"], "ownerReferences": references}}

            self._client.change(key, name, without_owner, namespace)

    def _delete_dependents(self, uid: str) -> None:
        for key, namespace, name in sorted(self._dependents.get(uid, ())):
            dependent = self._client.find(key, name, namespace)
            if dependent is not None and "deletionTimestamp" not in dependent["metadata"]:
                self._client.delete(key, name, namespace, {"propagationPolicy": "Foreground"})

    def _unblock_owners(self, metadata: Obj) -> None:
        for reference in metadata.get("ownerReferences") or []:
            resource = self._operations.registry.by_owner(reference)
            if resource is None:
                continue
            owner = self._client.find(
                resource.key, reference["name"], metadata.get("namespace") if resource.namespaced else None
            )
            if owner is not None and "deletionTimestamp" in owner["metadata"]:
                self._finish_deletion(resource.key, owner)

    def _blocking(self, uid: str) -> bool:
        return any(self._client.find(key, name, namespace) for key, namespace, name in self._dependents.get(uid, ()))

    def _drop_finalizer(self, key: str, obj: Obj, name: str) -> None:
        def without(live: Obj) -> Obj:
            finalizers = [item for item in live["metadata"].get("finalizers") or [] if item != name]
            return {**live, "metadata": {**live["metadata"], "finalizers": finalizers}}

        self._client.change(key, obj["metadata"]["name"], without, obj["metadata"].get("namespace"))

    def _empty_namespace(self, name: str) -> None:
        for resource in self._operations.registry.all():
            if not resource.namespaced or "delete" not in resource.verbs:
                continue
            for item in self._store.list(resource.key, name)[0]:
                if "deletionTimestamp" not in item["metadata"]:
                    self._client.delete(resource.key, item["metadata"]["name"], name)
        self._finish_namespace(name)

    def _finish_namespace(self, name: str) -> None:
        namespace = self._client.find("namespaces", name)
        if namespace is None or "deletionTimestamp" not in namespace["metadata"]:
            return
        resources = [resource for resource in self._operations.registry.all() if resource.namespaced]
        if any(self._store.list_texts(resource.key, name)[0] for resource in resources):
            return
        finalizers = [item for item in namespace["spec"].get("finalizers") or [] if item != "kubernetes"]
        self._client.update({**namespace, "spec": {**namespace["spec"], "finalizers": finalizers}}, "finalize")

    def _ensure_account(self, namespace: str) -> None:
        if self._client.find("serviceaccounts", "default", namespace) is None:
            metadata = {"name": "default", "namespace": namespace}
            self._client.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})

    def _update_budgets(self, namespace: str) -> None:
        budgets = self._store.list(_BUDGETS, namespace)[0]
        pods = self._store.list("pods", namespace)[0] if budgets else []
        for budget in budgets:
            status = {**(budget.get("status") or {}), **status_of(self._operations, budget, pods)}
            if status != budget.get("status"):
                self._client.update({**budget, "status": status}, "status")

    def forget_old_events(self) -> None:
        """Delete Events past their time."""
        oldest = stamp(datetime.now(UTC) - timedelta(seconds=EVENT_SECONDS))
        for key in ("events", "events.events.k8s.io"):
            for item in self._store.list(key)[0]:
                metadata = item["metadata"]
                if (item.get("lastTimestamp") or metadata["creationTimestamp"]) < oldest:
                    self._store.delete(key, metadata["namespace"], metadata["name"])


def _event(key: str, obj: Obj) -> Event:
    metadata = obj["metadata"]
    return Event(0, "ADDED", key, metadata.get("namespace") or "", metadata["name"], json.dumps(obj))
