# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API server: store, resources, controllers and HTTPS put together."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping, Sequence

from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.controllers import Controllers
from lab.k3s_standin.api.definitions import Definitions
from lab.k3s_standin.api.http import Handler, HttpServer
from lab.k3s_standin.api.identity import Authenticate, Authorize
from lab.k3s_standin.api.operations import AdmissionHook, Operations
from lab.k3s_standin.api.routes import IssueToken, Router
from lab.k3s_standin.api.seed import seed
from lab.k3s_standin.api.stores import Store


class ApiServer:
    """Serves a store as Kubernetes.

    `extra_routes` maps path prefixes to handlers that decide about access themselves: `Request.identity` is filled in,
    and `Request.user` too when the identity is known. `graceful_pods` leaves a scheduled pod in Terminating until a
    kubelet deletes it with grace period 0; without it pods go at once. `port` 0 picks a free one (see `self.port`).
    """

    def __init__(
        self,
        store: Store,
        version: str,
        authenticate: Authenticate,
        authorize: Authorize,
        ssl_context: ssl.SSLContext,
        address: str = "0.0.0.0",
        port: int = 6443,
        extra_routes: Mapping[str, Handler] | None = None,
        *,
        admission: Sequence[AdmissionHook] = (),
        service_cidr: str = "10.43.0.0/16",
        graceful_pods: bool = False,
        issue_token: IssueToken | None = None,
    ) -> None:
        self.store = store
        self.operations = Operations(store, admission, service_cidr=service_cidr, graceful_pods=graceful_pods)
        self._controllers = Controllers(self.client(manager="kube-controller-manager"), self.operations)
        router = Router(self.operations, version, authenticate, authorize, extra_routes or {}, issue_token)
        self._http = HttpServer(address, port, ssl_context, router.answer)
        self.port = int(self._http.server_port)
        self._definitions = Definitions(store, self.operations.registry)
        self._thread = threading.Thread(target=self._http.run, name="apiserver", daemon=True)

    def start(self, controllers: bool = True) -> None:
        """Create what every cluster has, then serve; returns when connections are accepted."""
        seed(self.client(manager="k3s"), self.operations)
        if controllers:
            self.start_controllers()
        self._definitions.start()
        self._thread.start()

    def start_controllers(self) -> None:
        """Keep the cluster's objects consistent: the work of one server of several."""
        self._controllers.start()

    def stop(self) -> None:
        """Stop serving and cut connections; the store stays open, it belongs to the caller."""
        self.store.stop_watches()
        self._http.stop()
        self._controllers.stop()
        self._thread.join(5)

    def client(self, manager: str = "k3s") -> Client:
        """A client for controllers in this process; changes are recorded under this field manager."""
        return Client(self.operations, manager=manager)
