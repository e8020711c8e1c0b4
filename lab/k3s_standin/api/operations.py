# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing objects as an API server does: checks, defaults, admission, field ownership, then the store."""

from __future__ import annotations

import copy
import ipaddress
import random
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from lab.k3s_standin.api import crd, schema, selectors
from lab.k3s_standin.api.apply import entry, record_update, server_side_apply
from lab.k3s_standin.api.defaults import free_address, prepare
from lab.k3s_standin.api.deletion import Deletion
from lab.k3s_standin.api.errors import AlreadyExists, Conflict, Invalid, NotFound, Obj, Objects, bad_request, forbidden
from lab.k3s_standin.api.identity import User
from lab.k3s_standin.api.registry import Registry
from lab.k3s_standin.api.resources import GENERATION_KEYS, Resource
from lab.k3s_standin.api.shapes import Shape, builtin_shape, schema_shape
from lab.k3s_standin.api.stores import Store
from lab.k3s_standin.api.validation import validate
from lab.k3s_standin.api.writes import (
    Caller,
    Place,
    bump_generation,
    check_namespace,
    check_preconditions,
    check_type,
    merge_write,
    now,
    patch_edit,
    tidy,
)

# (CREATE | UPDATE | DELETE, resource, old, new, user) -> the object to store; raises ApiError to refuse.
# For DELETE new is None and the answer is not used.
AdmissionHook = Callable[[str, Resource, "Obj | None", "Obj | None", User], "Obj | None"]
Edit = Callable[[Obj], Obj]

_PROTECTED = ("default", "kube-system", "kube-public", "kube-node-lease")
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_ATTEMPTS = 8


def _repeated(attempt: Callable[[], Obj]) -> Obj:
    # Somebody else may write between reading and writing. A Conflict that the caller's own resourceVersion caused
    # comes back each time, so it only costs a few reads more.
    for _ in range(_ATTEMPTS - 1):
        try:
            return attempt()
        except Conflict:
            continue
    return attempt()


def _updater(place: Place, caller: Caller) -> Obj:
    return entry(caller.manager, "Update", place.resource.api_version(), now(), place.subresource)


class Operations:
    """All verbs on all resources."""

    def __init__(
        self,
        store: Store,
        admission: Sequence[AdmissionHook] = (),
        service_cidr: str = "10.43.0.0/16",
        graceful_pods: bool = False,
    ) -> None:
        self.store = store
        self.registry = Registry()
        self._admission = admission
        self._service_cidr = service_cidr
        self._deletion = Deletion(store, self.registry, graceful_pods)
        for definition in store.list(crd.CRD_KEY)[0]:
            self.registry.put(crd.resource_of(definition))

    def get(self, resource: Resource, namespace: str | None, name: str) -> Obj:
        """Read one object."""
        return self.store.get(resource.key, namespace, name)

    def list(
        self, resource: Resource, namespace: str | None, label_selector: str = "", field_selector: str = ""
    ) -> tuple[Objects, int]:
        """Read matching objects, and the revision they were read at."""
        matches = selectors.parse(resource.key, label_selector, field_selector)
        items, revision = self.store.list(resource.key, namespace)
        return (items if matches is None else [item for item in items if matches(item)]), revision

    def create(self, resource: Resource, namespace: str | None, obj: Obj, caller: Caller) -> Obj:
        """Store a new object."""
        new = self._new(resource, namespace, obj)
        new["metadata"].pop("managedFields", None)
        return self._insert(resource, new, caller, entry(caller.manager, "Update", resource.api_version(), now()))

    def update(self, place: Place, obj: Obj, caller: Caller) -> Obj:
        """Replace an object or one of its subresources."""
        return self._modify(place, lambda live: obj, caller, _updater(place, caller))

    def patch(self, place: Place, content_type: str, patch: Any, caller: Caller) -> Obj:
        """Change an object by one of the three patch formats."""
        edit = patch_edit(place.resource, content_type, patch)
        return self._modify(place, edit, caller, _updater(place, caller))

    def apply(self, place: Place, config: Obj, caller: Caller, force: bool = False) -> Obj:
        """Server-side apply."""
        metadata = config.get("metadata") or {}
        if metadata.get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        resource, shape = place.resource, shape_of(place.resource)
        who = entry(caller.manager, "Apply", resource.api_version(), now(), place.subresource)
        wanted = {**config, "apiVersion": resource.api_version()}
        try:
            return self._modify(place, lambda live: server_side_apply(live, wanted, shape, who, force), caller, None)
        except NotFound as error:
            if place.subresource or error.details != NotFound(resource.key, place.name).details:
                raise
        new = self._new(resource, place.namespace, {**config, "metadata": {**metadata, "name": place.name}})
        owned = server_side_apply({"metadata": {}}, wanted, shape, who, True)
        new["metadata"]["managedFields"] = owned["metadata"]["managedFields"]
        return self._insert(resource, new, caller, None)

    def delete(self, place: Place, options: Obj, caller: Caller) -> Obj:
        """Delete, or begin deletion: the answer then has a deletionTimestamp."""
        resource, name = place.resource, place.name
        if resource.key == "namespaces" and name in _PROTECTED:
            raise forbidden(f'namespaces "{name}" is forbidden: this namespace may not be deleted')

        def attempt() -> Obj:
            live = self.get(resource, place.namespace, name)
            check_preconditions(resource, live, options.get("preconditions") or {})
            for hook in self._admission:
                hook("DELETE", resource, live, None, caller.user)
            return live if caller.dry_run else self._deletion.begin(resource, live, options)

        return _repeated(attempt)

    def _new(self, resource: Resource, namespace: str | None, obj: Obj) -> Obj:
        new = copy.deepcopy(obj)
        check_type(resource, new)
        metadata = new["metadata"] = new.get("metadata") or {}
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + "".join(random.choices(_SUFFIX, k=5))
        if not metadata.get("name"):
            raise Invalid(
                resource.kind,
                resource.group,
                "",
                [("metadata.name", "Required value: name or generateName is required")],
            )
        if metadata.get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        check_namespace(resource, namespace, metadata)
        tidy(metadata)
        return new

    def _insert(self, resource: Resource, new: Obj, caller: Caller, who: Obj | None) -> Obj:
        metadata = new["metadata"]
        self._check_home(resource, metadata)
        for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
            metadata.pop(name, None)
        metadata.update(uid=str(uuid.uuid4()), creationTimestamp=now())
        if resource.custom or resource.key in GENERATION_KEYS:
            metadata["generation"] = 1
        if "status" in resource.subresources and resource.key != "nodes":
            new.pop("status", None)
        new = self._admitted("CREATE", resource, None, new, caller.user)
        if who:
            new["metadata"]["managedFields"] = record_update(None, new, shape_of(resource), who)
        if caller.dry_run:
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

    def _modify(self, place: Place, edit: Edit, caller: Caller, who: Obj | None) -> Obj:
        resource = place.resource

        def attempt() -> Obj:
            live = self.get(resource, place.namespace, place.name)
            wanted = edit(live)
            asked = (wanted.get("metadata") or {}).get("resourceVersion")
            if asked and asked != live["metadata"]["resourceVersion"]:
                raise Conflict(resource.key, place.name)
            new = merge_write(resource, live, wanted, place.subresource)
            new = self._admitted("UPDATE", resource, live, new, caller.user)
            if who:
                new["metadata"]["managedFields"] = record_update(live, new, shape_of(resource), who)
            bump_generation(resource, live, new)
            return new if new == live or caller.dry_run else self._store_update(resource, new)

        return _repeated(attempt)

    def _store_update(self, resource: Resource, new: Obj) -> Obj:
        if self._deletion.is_complete(resource, new):
            self._deletion.remove(resource, new)
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
            causes = [
                {
                    "reason": "NamespaceTerminating",
                    "message": f"namespace {name} is being terminated",
                    "field": "metadata.namespace",
                }
            ]
            raise forbidden(f'{resource.key} "{metadata["name"]}" is forbidden: {text}', {"causes": causes})

    def _register(self, resource: Resource, stored: Obj) -> None:
        if resource.key == crd.CRD_KEY:
            self.registry.put(crd.resource_of(stored))


def shape_of(resource: Resource) -> Shape:
    """The merge rules of a resource's objects."""
    return schema_shape(resource.schemas.get(resource.storage_version)) if resource.custom else builtin_shape
