# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Joining: check the server against the token, then fetch configuration and certificates through the load balancer."""

from __future__ import annotations

import base64
import json
import random
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.k3s_standin import files, log, machine, rest, tokens
from lab.k3s_standin.options import Node
from lab.k3s_standin.paths import Paths

_VALIDATE_SECONDS = 2.0
_RETRY_SECONDS = 5.0


class Stopped(Exception):
    """The process was told to end while it waited."""


@dataclass(frozen=True)
class Joined:
    """What an agent knows once the server has let it in."""

    ca: str
    certificate: tuple[Path, Path]
    config: dict[str, Any]
    servers: list[str]


@dataclass(frozen=True)
class Joiner:
    """Repeats, as upstream does, until the server answers and accepts."""

    server_url: str
    local_url: str
    token: str
    node: Node
    paths: Paths
    stop: threading.Event

    def join(self) -> Joined:
        """Block until this node is let in; Stopped when the process shall end first."""
        ca = self._validated_ca()
        while True:
            try:
                return self._fetch(ca)
            except rest.Refused as error:
                problem = self._explain(error)
            except OSError as error:
                problem = str(error)
            log.info(f"Waiting to retrieve agent configuration; server is not ready: {problem}")
            self._wait(_RETRY_SECONDS * (1 + random.random()))

    def _validated_ca(self) -> str:
        while True:
            try:
                ca = rest.Rest(self.local_url, rest.trusting(None)).get("/cacerts")
                if self.token:
                    tokens.parse(self.token).matches(ca)
                # The server must hold a certificate of the CA it claims.
                rest.Rest(self.local_url, rest.trusting(ca.decode())).get("/cacerts")
                return ca.decode()
            except (OSError, rest.Refused, tokens.TokenError) as error:
                log.error(f"Failed to validate connection to cluster at {self.server_url}: {error}")
            self._wait(_VALIDATE_SECONDS)

    def _fetch(self, ca: str) -> Joined:
        client = rest.Rest(self.local_url, rest.trusting(ca, self._own_certificate()), _authorization(self.token))
        try:
            config = json.loads(client.get("/v1-k3s/config"))
            agent = self.paths.agent
            for name in ("server-ca.crt", "client-ca.crt"):
                files.write_if_changed(agent / name, client.get(f"/v1-k3s/{name}").decode(), 0o644)
            named = {
                "K3s-Node-Name": self.node.name,
                "K3s-Node-Password": machine.node_password(self.paths.node),
                "K3s-Node-IP": ",".join(self.node.addresses),
            }
            for name in ("serving-kubelet", "client-kubelet"):
                self._store(name, client.get(f"/v1-k3s/{name}.crt", named).decode())
            for name in ("client-kube-proxy", "client-k3s-controller"):
                self._store(name, client.get(f"/v1-k3s/{name}.crt").decode())
            servers = json.loads(client.get("/v1-k3s/apiservers"))
        finally:
            client.close()
        return Joined(ca, (agent / "client-kubelet.crt", agent / "client-kubelet.key"), config, servers)

    def _own_certificate(self) -> tuple[Path, Path] | None:
        # Older than the token: a node that joined once needs its token again only after its Node was deleted.
        if self.token:
            return None
        return self.paths.agent / "client-kubelet.crt", self.paths.agent / "client-kubelet.key"

    def _store(self, name: str, text: str) -> None:
        certificates, _, key = text.partition("-----BEGIN EC PRIVATE KEY-----")
        files.write(self.paths.agent / f"{name}.key", f"-----BEGIN EC PRIVATE KEY-----{key}")
        files.write(self.paths.agent / f"{name}.crt", certificates)

    def _explain(self, error: rest.Refused) -> str:
        if error.status != 403:
            return str(error)
        return (
            f"Node password rejected, duplicate hostname or contents of '{self.paths.node / 'password'}' may not match"
            " server node-passwd entry, try enabling a unique node name with the --with-node-id flag"
        )

    def _wait(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise Stopped


def _authorization(token: str) -> dict[str, str]:
    if not token:
        return {}
    parsed = tokens.parse(token)
    if parsed.bootstrap:
        return {"Authorization": f"Bearer {parsed.bootstrap}"}
    pair = f"{parsed.user or 'node'}:{parsed.password}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
