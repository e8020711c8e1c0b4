# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The in-process client: controllers take the same admission and storage path as HTTP requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.k3s_standin.api.errors import Conflict, NotFound, Obj, Objects
from lab.k3s_standin.api.identity import IN_PROCESS, User
from lab.k3s_standin.api.watch import Watch
from lab.k3s_standin.api.writes import Caller, Place

if TYPE_CHECKING:
    from lab.k3s_standin.api.operations import Operations

PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
}


class Client:
    """Objects by resource key ("nodes", "leases.coordination.k8s.io"); refusals are ApiError."""

    def __init__(self, operations: Operations, user: User = IN_PROCESS, manager: str = "k3s") -> None:
        self._operations = operations
        self._caller = Caller(user, manager)

    def get(self, key: str, name: str, namespace: str | None = None) -> Obj:
        """Read one object; NotFound when there is none."""
        return self._operations.get(self._operations.registry.by_key(key), namespace, name)

    def find(self, key: str, name: str, namespace: str | None = None) -> Obj | None:
        """Read one object, None when there is none."""
        try:
            return self.get(key, name, namespace)
        except NotFound:
            return None

    def list(
        self, key: str, namespace: str | None = None, label_selector: str = "", field_selector: str = ""
    ) -> Objects:
        """Read all matching objects."""
        return self.list_at(key, namespace, label_selector, field_selector)[0]

    def list_at(
        self, key: str, namespace: str | None = None, label_selector: str = "", field_selector: str = ""
    ) -> tuple[Objects, int]:
        """Like list, with the revision to start a watch from."""
        resource = self._operations.registry.by_key(key)
        return self._operations.list(resource, namespace, label_selector, field_selector)

    def create(self, obj: Obj) -> Obj:
        """Create from a complete object with apiVersion and kind."""
        resource = self._operations.registry.by_object(obj)
        return self._operations.create(resource, obj["metadata"].get("namespace"), obj, self._caller)

    def update(self, obj: Obj, subresource: str | None = None) -> Obj:
        """Replace an object, or its status with subresource="status"."""
        return self._operations.update(self._place_of(obj, subresource), obj, self._caller)

    def patch(
        self,
        key: str,
        name: str,
        patch: Obj | Objects,
        namespace: str | None = None,
        kind: str = "merge",
        subresource: str | None = None,
    ) -> Obj:
        """Apply a merge, strategic or json patch."""
        place = Place(self._operations.registry.by_key(key), namespace, name, subresource)
        return self._operations.patch(place, PATCH_TYPES[kind], patch, self._caller)

    def apply(self, obj: Obj, manager: str | None = None, force: bool = True) -> Obj:
        """Server-side apply: create or bring to the given state the fields in `obj`."""
        caller = Caller(self._caller.user, manager or self._caller.manager)
        return self._operations.apply(self._place_of(obj), obj, caller, force)

    def change(
        self,
        key: str,
        name: str,
        edit: Callable[[Obj], Obj],
        namespace: str | None = None,
        subresource: str | None = None,
    ) -> Obj:
        """Read, edit, write; again when somebody else wrote in between."""
        for _ in range(10):
            try:
                return self.update(edit(self.get(key, name, namespace)), subresource)
            except Conflict as error:
                last = error
        raise last

    def delete(self, key: str, name: str, namespace: str | None = None, options: Obj | None = None) -> Obj:
        """Delete with DeleteOptions (propagationPolicy, preconditions, gracePeriodSeconds)."""
        place = Place(self._operations.registry.by_key(key), namespace, name)
        return self._operations.delete(place, options or {}, self._caller)

    def watch(self, key: str | None, namespace: str | None = None, since: int | None = None) -> Watch:
        """Stream changes after a revision; iterate it, or call next(timeout); close() it when done."""
        return self._operations.store.watch(key, namespace, since)

    def _place_of(self, obj: Obj, subresource: str | None = None) -> Place:
        metadata = obj["metadata"]
        resource = self._operations.registry.by_object(obj)
        return Place(resource, metadata.get("namespace"), metadata["name"], subresource)
