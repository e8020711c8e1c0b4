# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resources are served right now: the built-in ones and those of CustomResourceDefinitions."""

from __future__ import annotations

import threading

from lab.k3s_standin.api.errors import ApiError, Obj, bad_request
from lab.k3s_standin.api.resources import Resource, builtin_resources


class Registry:
    """Resources by URL, by kind and by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_key: dict[str, Resource] = {}
        self.generation = 0
        for resource in builtin_resources():
            self._by_key[resource.key] = resource

    def all(self) -> list[Resource]:
        """Every resource, built-in first."""
        with self._lock:
            return list(self._by_key.values())

    def put(self, resource: Resource) -> None:
        """Serve a custom resource, or a changed one."""
        with self._lock:
            if self._by_key.get(resource.key) != resource:
                self._by_key[resource.key] = resource
                self.generation += 1

    def remove(self, key: str) -> None:
        """Stop serving a custom resource."""
        with self._lock:
            if self._by_key.pop(key, None):
                self.generation += 1

    def by_key(self, key: str) -> Resource:
        """The resource with this key."""
        resource = self._by_key.get(key)
        if resource is None:
            raise unknown_path()
        return resource

    def at(self, group: str, version: str, plural: str) -> Resource:
        """The resource served at /apis/GROUP/VERSION/PLURAL."""
        resource = self._by_key.get(f"{plural}.{group}" if group else plural)
        if resource is None or version not in resource.versions:
            raise unknown_path()
        return resource

    def by_object(self, obj: Obj) -> Resource:
        """The resource an object belongs to, by its apiVersion and kind."""
        group, _, version = str(obj.get("apiVersion", "")).rpartition("/")
        for resource in self.all():
            if resource.kind == obj.get("kind") and resource.group == group and version in resource.versions:
                return resource
        raise bad_request(f'no kind "{obj.get("kind")}" is registered for version "{obj.get("apiVersion")}"')

    def by_owner(self, reference: Obj) -> Resource | None:
        """The resource an ownerReference points to, None when it is not served."""
        group, _, _ = str(reference.get("apiVersion", "")).rpartition("/")
        for resource in self.all():
            if resource.kind == reference.get("kind") and resource.group == group:
                return resource
        return None

    def groups(self) -> dict[str, list[str]]:
        """Group -> versions, preferred first; the core group is ""."""
        answer: dict[str, list[str]] = {}
        for resource in self.all():
            versions = answer.setdefault(resource.group, [])
            versions.extend(version for version in resource.versions if version not in versions)
        return answer


def unknown_path() -> ApiError:
    """What upstream answers on a URL it does not serve."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")
