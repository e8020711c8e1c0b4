# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom resources that another server was told of are served here too."""

from __future__ import annotations

import threading

from lab.k3s_standin import log
from lab.k3s_standin.api import crd
from lab.k3s_standin.api.errors import ApiError, NotFound
from lab.k3s_standin.api.registry import Registry
from lab.k3s_standin.api.stores import Store


class Definitions:
    """Follows CustomResourceDefinitions until the store's watches end."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store, self._registry = store, registry
        self._watch = store.watch(crd.CRD_KEY)
        self._thread = threading.Thread(target=self._run, name="definitions", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def _run(self) -> None:
        for event in self._watch:
            # By what the store has now: the event may be older than what this server did itself.
            try:
                self._registry.put(crd.resource_of(self._store.get(crd.CRD_KEY, None, event.name)))
            except NotFound:
                self._registry.remove(event.name)
            except ApiError as error:
                log.error(f"definition {event.name}: {error.message}")
