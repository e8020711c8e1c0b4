# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API needs of a datastore, be it SQLite's file or etcd's members."""

from __future__ import annotations

from typing import Protocol

from lab.k3s_standin.api.errors import Obj, Objects
from lab.k3s_standin.api.watch import Watch

Texts = list[str]


class Store(Protocol):
    """Objects by resource key, namespace and name, under one growing revision; see ObjectStore for the meaning."""

    @property
    def revision(self) -> int:
        """The revision of the newest write known here."""
        ...

    def get(self, resource_key: str, namespace: str | None, name: str) -> Obj:
        """Read one object."""
        ...

    def list(self, resource_key: str, namespace: str | None = None) -> tuple[Objects, int]:
        """Read all objects of a resource."""
        ...

    def list_texts(self, resource_key: str, namespace: str | None = None) -> tuple[Texts, int]:
        """Like list, as JSON texts."""
        ...

    def resource_keys(self) -> Texts:
        """Every resource key that has objects."""
        ...

    def create(self, resource_key: str, obj: Obj) -> Obj:
        """Write a new object."""
        ...

    def update(self, resource_key: str, obj: Obj) -> Obj:
        """Replace an object."""
        ...

    def delete(self, resource_key: str, namespace: str | None, name: str, resource_version: str | None = None) -> Obj:
        """Remove an object."""
        ...

    def watch(self, resource_key: str | None, namespace: str | None = None, since_rv: int | None = None) -> Watch:
        """Stream changes."""
        ...

    def stop_watches(self) -> None:
        """End all watches."""
        ...

    def close(self) -> None:
        """End everything."""
        ...
