# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supervisor's side of joining: CA file, certificates and configuration for nodes, under /cacerts and /v1-k3s/."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.k3s_standin import bootstrap_tokens, log, pki
from lab.k3s_standin.administration import Administration, Live
from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.http import Request, Response
from lab.k3s_standin.node_passwords import NodePasswords, Rejected
from lab.k3s_standin.server_tls import ServerTls

_PREFIX = "/v1-k3s"
PREFIXES = ("/cacerts", "/ping", "/db/info", f"{_PREFIX}/")


@dataclass(frozen=True)
class Supervisor:
    """Answers nodes; `config` is what every agent is told, `servers` the addresses of all API servers."""

    tls: ServerTls
    credentials: Live
    client: Client
    passwords: NodePasswords
    config: Mapping[str, Any]
    servers: Callable[[], list[str]]
    administration: Administration

    def answer(self, request: Request) -> Response:
        """Answer a request below one of PREFIXES."""
        if request.path == "/cacerts":
            return _text(self.tls.authority("server-ca").certificate)
        if request.path == "/ping":
            return _text("pong")
        role = self._role(request)
        if not role:
            return _refusal(401, "not authorized")
        handlers: dict[str, Callable[[Request], Response]] = {
            "config": lambda _: Response.json(dict(self.config)),
            "apiservers": lambda _: Response.json(self.servers()),
            "readyz": lambda _: _text("ok"),
            "server-ca.crt": lambda _: _text(self.tls.authority("server-ca").certificate),
            "client-ca.crt": lambda _: _text(self.tls.authority("client-ca").certificate),
            "client-kubelet.crt": self._client_kubelet,
            "serving-kubelet.crt": self._serving_kubelet,
            "client-kube-proxy.crt": lambda _: self._client_leaf("system:kube-proxy"),
            "client-k3s-controller.crt": lambda _: self._client_leaf("system:k3s-controller"),
        }
        name = request.path.removeprefix(f"{_PREFIX}/")
        if administer := self.administration.handler(name):
            return administer(request) if role == "server" else _refusal(403, "not authorized")
        handler = handlers.get(name)
        return handler(request) if handler else _refusal(404, "404 page not found")

    def _role(self, request: Request) -> str:
        identity = request.identity
        if identity.common_name and "system:nodes" in identity.organizations:
            # A deleted node's certificate is void: it must come back with its token.
            known = self.client.find("nodes", identity.common_name.removeprefix("system:node:"))
            if known is not None:
                return "node"
        if identity.bearer:
            return "agent" if bootstrap_tokens.valid(self.client, identity.bearer) else ""
        user, password = _basic(identity.authorization or "")
        return self.credentials.role(user, password) if password else ""

    def _client_kubelet(self, request: Request) -> Response:
        return self._named(
            request,
            lambda name: pki.issue(
                self.tls.authority("client-ca"), pki.Subject(f"system:node:{name}", ("system:nodes",))
            ),
        )

    def _serving_kubelet(self, request: Request) -> Response:
        addresses = [part for part in request.headers.get("k3s-node-ip", "").split(",") if part]
        return self._named(
            request,
            lambda name: pki.issue(
                self.tls.authority("server-ca"),
                pki.Subject(name, (), ("server",), (name, "localhost", "127.0.0.1", *addresses)),
            ),
        )

    def _named(self, request: Request, issue: Callable[[str], pki.Pair]) -> Response:
        name, password = request.headers.get("k3s-node-name", ""), request.headers.get("k3s-node-password", "")
        if not name or not password:
            return _refusal(400, "node name not set" if not name else "node password not set")
        proved = (request.identity.common_name or "").removeprefix("system:node:")
        if proved and "system:nodes" in request.identity.organizations and proved != name:
            return _refusal(403, f"header node name {name!r} does not match the certificate of node {proved!r}")
        try:
            self.passwords.ensure(name, password)
        except Rejected as error:
            log.error(str(error))
            return _refusal(403, str(error))
        return _pair(issue(name))

    def _client_leaf(self, common_name: str) -> Response:
        return _pair(pki.issue(self.tls.authority("client-ca"), pki.Subject(common_name)))


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def _pair(pair: pki.Pair) -> Response:
    return _text(pair.certificate + pair.key)


def _text(text: str) -> Response:
    return Response(body=text.encode(), content_type="text/plain")


def _refusal(code: int, message: str) -> Response:
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return Response.json({**status, "message": message, "code": code}, code)
