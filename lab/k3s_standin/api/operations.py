# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing objects as an API server does: checks, defaults, admission, field ownership, then the store."""

from __future__ import annotations

import copy
import ipaddress
import random
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from lab.k3s_standin.api import crd, schema, selectors
from lab.k3s_standin.api.apply import entry, record_update, server_side_apply
from lab.k3s_standin.api.defaults import free_address, prepare
from lab.k3s_standin.api.errors import AlreadyExists, ApiError, Conflict, Invalid, NotFound, Obj, bad_request, forbidden
from lab.k3s_standin.api.identity import User
from lab.k3s_standin.api.registry import Registry
from lab.k3s_standin.api.resources import GENERATION_KEYS, Resource
from lab.k3s_standin.api.shapes import Shape, builtin_shape, schema_shape
from lab.k3s_standin.api.store import ObjectStore
from lab.k3s_standin.api.validation import validate
from lab.k3s_standin.api.writes import (
    bump_generation,
    check_namespace,
    check_preconditions,
    check_type,
    merge_write,
    patch_edit,
    with_policy,
)

# (CREATE | UPDATE | DELETE, resource, old, new, user) -> the object to store; raises ApiError to refuse.
# For DELETE new is None and the answer is not used.
AdmissionHook = Callable[[str, Resource, "Obj | None", "Obj | None", User], "Obj | None"]
Edit = Callable[[Obj], Obj]

_PROTECTED = ("default", "kube-system", "kube-public", "kube-node-lease")
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_ATTEMPTS = 8


def now() -> str:
    """The current time as the API writes it."""
    return stamp(datetime.now(timezone.utc))


def stamp(moment: datetime) -> str:
    """A time as the API writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Operations:
    """All verbs on all resources."""

    def __init__(
        self,
        store: ObjectStore,
        admission: Sequence[AdmissionHook] = (),
        service_cidr: str = "10.43.0.0/16",
        graceful_pods: bool = False,
    ) -> None:
        self.store = store
        self.registry = Registry()
        self._admission = admission
        self._service_cidr = service_cidr
        self._graceful_pods = graceful_pods
        for definition in store.list(crd.CRD_KEY)[0]:
            self.registry.put(crd.resource_of(definition))

    def get(self, resource: Resource, namespace: str | None, name: str) -> Obj:
        """Read one object."""
        return self.store.get(resource.key, namespace, name)

    def list(
        self, resource: Resource, namespace: str | None, label_selector: str = "", field_selector: str = ""
    ) -> tuple[list[Obj], int]:
        """Read matching objects, and the revision they were read at."""
        matches = selectors.parse(resource.key, label_selector, field_selector)
        items, revision = self.store.list(resource.key, namespace)
        return (items if matches is None else [item for item in items if matches(item)]), revision

    def create(
        self, resource: Resource, namespace: str | None, obj: Obj, user: User, manager: str, dry_run: bool = False
    ) -> Obj:
        """Store a new object."""
        new = self._new(resource, namespace, obj)
        new["metadata"].pop("managedFields", None)
        return self._insert(resource, new, user, entry(manager, "Update", resource.api_version(), now()), dry_run)

    def update(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        obj: Obj,
        user: User,
        manager: str,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> Obj:
        """Replace an object or one of its subresources."""
        who = entry(manager, "Update", resource.api_version(), now(), subresource)
        return self._modify(resource, namespace, name, lambda live: obj, user, who, subresource, dry_run)

    def patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        content_type: str,
        patch: Any,
        user: User,
        manager: str,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> Obj:
        """Change an object by one of the three patch formats."""
        edit = patch_edit(resource, content_type, patch)
        who = entry(manager, "Update", resource.api_version(), now(), subresource)
        return self._modify(resource, namespace, name, edit, user, who, subresource, dry_run)

    def apply(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        config: Obj,
        user: User,
        manager: str,
        force: bool = False,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> Obj:
        """Server-side apply."""
        if (config.get("metadata") or {}).get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        who = entry(manager, "Apply", resource.api_version(), now(), subresource)
        shape = shape_of(resource)
        wanted = {**config, "apiVersion": resource.api_version()}
        try:
            return self._modify(
                resource, namespace, name, lambda live: server_side_apply(live, wanted, shape, who, force), user, None, subresource, dry_run
            )
        except NotFound as error:
            if subresource or error.details != NotFound(resource.key, name).details:
                raise
        new = self._new(resource, namespace, {**config, "metadata": {**config.get("metadata", {}), "name": name}})
        blank: Obj = {"metadata": {}}
        new["metadata"]["managedFields"] = server_side_apply(blank, wanted, shape, who, True)["metadata"]["managedFields"]
        return self._insert(resource, new, user, None, dry_run)

    def delete(
        self, resource: Resource, namespace: str | None, name: str, options: Obj, user: User, dry_run: bool = False
    ) -> Obj:
        """Delete, or begin deletion: the answer then has a deletionTimestamp."""
        for _ in range(_ATTEMPTS):
            live = self.get(resource, namespace, name)
            check_preconditions(resource, live, options.get("preconditions") or {})
            if resource.key == "namespaces" and name in _PROTECTED:
                raise forbidden(f'namespaces "{name}" is forbidden: this namespace may not be deleted')
            for hook in self._admission:
                hook("DELETE", resource, live, None, user)
            try:
                return live if dry_run else self._begin_deletion(resource, live, options)
            except Conflict as error:
                last = error
        raise last

    def _begin_deletion(self, resource: Resource, live: Obj, options: Obj) -> Obj:
        metadata = live["metadata"]
        finalizers = with_policy(metadata.get("finalizers") or [], options)
        grace = self._grace(resource, live, options)
        waits = finalizers or grace or (resource.key == "namespaces" and live["spec"].get("finalizers"))
        if not waits:
            return self._remove(resource, live)
        known = metadata.get("deletionGracePeriodSeconds")
        if "deletionTimestamp" in metadata and finalizers == (metadata.get("finalizers") or []) and (known or 0) <= grace:
            return live
        new = copy.deepcopy(live)
        moment = stamp(datetime.now(timezone.utc) + timedelta(seconds=grace))
        new["metadata"].update(deletionTimestamp=metadata.get("deletionTimestamp") or moment, deletionGracePeriodSeconds=grace)
        if finalizers:
            new["metadata"]["finalizers"] = finalizers
        if resource.key == "namespaces":
            new["status"]["phase"] = "Terminating"
        return self.store.update(resource.key, new)

    def _grace(self, resource: Resource, live: Obj, options: Obj) -> int:
        if resource.key != "pods" or not self._graceful_pods:
            return 0
        spec, status = live.get("spec") or {}, live.get("status") or {}
        if not spec.get("nodeName") or status.get("phase") in ("Succeeded", "Failed"):
            return 0
        asked = options.get("gracePeriodSeconds")
        return int(spec.get("terminationGracePeriodSeconds", 30) if asked is None else asked)

    def _remove(self, resource: Resource, live: Obj) -> Obj:
        metadata = live["metadata"]
        if resource.key == crd.CRD_KEY:
            self._remove_custom(live)
        return self.store.delete(resource.key, metadata.get("namespace"), metadata["name"], metadata["resourceVersion"])

    def _remove_custom(self, definition: Obj) -> None:
        key = definition["metadata"]["name"]
        self.registry.remove(key)
        for item in self.store.list(key)[0]:
            self.store.delete(key, item["metadata"].get("namespace"), item["metadata"]["name"])

    def _new(self, resource: Resource, namespace: str | None, obj: Obj) -> Obj:
        new = copy.deepcopy(obj)
        check_type(resource, new)
        metadata = new["metadata"] = new.get("metadata") or {}
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + "".join(random.choices(_SUFFIX, k=5))
        if not metadata.get("name"):
            raise Invalid(resource.kind, resource.group, "", [("metadata.name", "Required value: name or generateName is required")])
        if metadata.get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        check_namespace(resource, namespace, metadata)
        return new

    def _insert(self, resource: Resource, new: Obj, user: User, who: Obj | None, dry_run: bool) -> Obj:
        metadata = new["metadata"]
        self._check_home(resource, metadata)
        for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
            metadata.pop(name, None)
        metadata.update(uid=str(uuid.uuid4()), creationTimestamp=now())
        if resource.custom or resource.key in GENERATION_KEYS:
            metadata["generation"] = 1
        if "status" in resource.subresources and resource.key not in ("nodes", "pods", "persistentvolumes"):
            new.pop("status", None)
        new = self._admitted("CREATE", resource, None, new, user)
        if who:
            new["metadata"]["managedFields"] = record_update(None, new, shape_of(resource), who)
        if dry_run:
            if self.store_has(resource, new):
                raise AlreadyExists(resource.key, new["metadata"]["name"])
            return new
        stored = self.store.create(resource.key, new)
        self._register(resource, stored)
        return stored

    def store_has(self, resource: Resource, obj: Obj) -> bool:
        """Whether an object of this name exists."""
        try:
            self.store.get(resource.key, obj["metadata"].get("namespace"), obj["metadata"]["name"])
        except NotFound:
            return False
        return True

    def _modify(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        edit: Edit,
        user: User,
        who: Obj | None,
        subresource: str | None,
        dry_run: bool,
    ) -> Obj:
        for _ in range(_ATTEMPTS):
            live = self.get(resource, namespace, name)
            wanted = edit(live)
            asked = (wanted.get("metadata") or {}).get("resourceVersion")
            if asked and asked != live["metadata"]["resourceVersion"]:
                raise Conflict(resource.key, name)
            new = merge_write(resource, live, wanted, subresource)
            new = self._admitted("UPDATE", resource, live, new, user)
            if who:
                new["metadata"]["managedFields"] = record_update(live, new, shape_of(resource), who)
            bump_generation(resource, live, new)
            if new == live or dry_run:
                return new
            try:
                return self._store_update(resource, new)
            except Conflict as error:
                last = error
        raise last

    def _store_update(self, resource: Resource, new: Obj) -> Obj:
        metadata = new["metadata"]
        if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            spec_finalizers = resource.key == "namespaces" and new["spec"].get("finalizers")
            if not spec_finalizers and not metadata.get("deletionGracePeriodSeconds"):
                self._remove(resource, new)
                return new
        stored = self.store.update(resource.key, new)
        self._register(resource, stored)
        return stored

    def _admitted(self, operation: str, resource: Resource, old: Obj | None, new: Obj, user: User) -> Obj:
        metadata = new["metadata"]
        prepare(resource.key, new, lambda wanted: self._service_ip(old, wanted, metadata["name"]))
        if resource.key == crd.CRD_KEY:
            crd.complete(new, old, now())
        for hook in self._admission:
            new = hook(operation, resource, old, new, user) or new
        validate(resource, new, old)
        structure = resource.schemas.get(resource.storage_version)
        if structure:
            schema.prune(new, structure)
            schema.default(new, structure)
            causes = schema.check(new, structure)
            if causes:
                raise Invalid(resource.kind, resource.group, metadata["name"], causes)
        return new

    def _service_ip(self, old: Obj | None, wanted: str | None, name: str) -> str:
        if old and old["spec"].get("clusterIP") and wanted in (None, old["spec"]["clusterIP"]):
            return str(old["spec"]["clusterIP"])
        taken = [service["spec"].get("clusterIP", "") for service in self.store.list("services")[0]]
        return free_address(self._service_cidr, taken, wanted, name)

    def first_service_ip(self) -> str:
        """The first address of the service range, which is the API's own."""
        return str(ipaddress.ip_network(self._service_cidr)[1])

    def _check_home(self, resource: Resource, metadata: Obj) -> None:
        if not resource.namespaced:
            return
        home = self.store.get("namespaces", None, metadata["namespace"])
        if "deletionTimestamp" in home["metadata"]:
            name = metadata["namespace"]
            text = f"unable to create new content in namespace {name} because it is being terminated"
            causes = [{"reason": "NamespaceTerminating", "message": f"namespace {name} is being terminated", "field": "metadata.namespace"}]
            raise forbidden(f'{resource.key} "{metadata["name"]}" is forbidden: {text}', {"causes": causes})

    def _register(self, resource: Resource, stored: Obj) -> None:
        if resource.key == crd.CRD_KEY:
            self.registry.put(crd.resource_of(stored))


def shape_of(resource: Resource) -> Shape:
    """The merge rules of a resource's objects."""
    return schema_shape(resource.schemas.get(resource.storage_version)) if resource.custom else builtin_shape
