# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the supervisor lets the holder of the server token do: rotate that token, look at and rotate encryption keys."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.k3s_standin import bootstrap, credentials, log, tokens
from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.errors import Conflict, NotFound
from lab.k3s_standin.api.http import Request, Response
from lab.k3s_standin.api.stores import Store
from lab.k3s_standin.credentials import Credentials
from lab.k3s_standin.paths import Paths
from lab.k3s_standin.secrets_encryption import ANNOTATION, FINISHED, RECORD, Encryption

Obj = dict[str, Any]


@dataclass
class Live:
    """The credentials of a running server, which a rotation replaces."""

    current: Credentials

    def role(self, user: str, password: str) -> str:
        """As Credentials.role, with the ones of now."""
        return self.current.role(user, password)


@dataclass
class Administration:
    """One server's administration; `client` is set once the API is there."""

    paths: Paths
    datastore: Path | bootstrap.Records
    store: Store
    live: Live
    encryption: Encryption | None
    node: str
    client: Client | None = None
    # What a server that joins asks for; there is nothing to join without etcd.
    members: Callable[[], Obj] = lambda: {"members": []}
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def handler(self, path: str) -> Callable[[Request], Response] | None:
        """The handler of a path below /v1-k3s/ that needs the server token; None for another path."""
        return {
            "token": self._token,
            "encrypt/status": self._status,
            "encrypt/config": self._configure,
            "server-bootstrap": self._bootstrap,
            "/db/info": lambda _: Response.json(self.members()),
        }.get(path)

    def _bootstrap(self, request: Request) -> Response:
        return Response.json(bootstrap.load(self.datastore, self.live.current.server) or {})

    def _token(self, request: Request) -> Response:
        if request.method != "PUT":
            return _failure(405, "method not allowed")
        with self._one_at_a_time:
            old = self.live.current
            new = str((request.value() or {}).get("newToken") or tokens.new_password())
            agent = new if old.agent == old.server else old.agent
            changed = Credentials(new, agent)
            # In upstream's order: a server killed in between starts with the token of its configuration.
            credentials.write(self.paths, changed)
            try:
                bootstrap.rotate(self.datastore, old.server, new)
            except bootstrap.BootstrapError as error:
                credentials.write(self.paths, old)
                return _failure(500, str(error))
            self.live.current = changed
        log.info("The server token was rotated; restart all servers with the new one")
        return Response(body=b"")

    def _status(self, request: Request) -> Response:
        state: Obj = {"stage": "", "activekey": ""}
        if self.encryption is None:
            return Response.json(state)
        keys = [f"AES-CBC {key.name}" for key in self.encryption.keys]
        mismatch = self._mismatch()
        state = {
            "stage": self.encryption.annotations[ANNOTATION].rpartition("-")[0],
            "activekey": keys[0] if self.encryption.enabled else "",
            "enable": self.encryption.enabled,
            "inactivekeys": keys[1:] if self.encryption.enabled else keys,
        }
        return Response.json({**state, **({"hasherror": mismatch} if mismatch else {"hashmatch": True})})

    def _configure(self, request: Request) -> Response:
        if request.method != "PUT":
            return _failure(405, "method not allowed")
        wish = request.value() or {}
        if self.encryption is None:
            why = "secrets encryption was not enabled when this cluster was founded: no encryption configuration found"
            return _failure(400, why)
        with self._one_at_a_time:
            if wish.get("stage") == "rotate_keys":
                return self._rotate_keys(self.encryption)
            if "enable" in wish:
                return self._enable(self.encryption, bool(wish["enable"]))
        return _failure(400, f"unknown stage {wish.get('stage')} requested")

    def _rotate_keys(self, encryption: Encryption) -> Response:
        mismatch = self._mismatch()
        if mismatch:
            return _failure(400, mismatch)
        encryption.enabled = True
        encryption.add()
        self._rewrite()
        encryption.drop_old()
        self._finish(encryption)
        return Response(body=b"")

    def _enable(self, encryption: Encryption, enable: bool) -> Response:
        if encryption.enabled != enable:
            encryption.enabled = enable
            encryption.write()
            self._rewrite()
            self._finish(encryption)
        return Response(body=b"")

    def _rewrite(self) -> None:
        for secret in self.store.list("secrets")[0]:
            # one that was changed meanwhile is sealed with the new key already, one that was deleted needs none
            with contextlib.suppress(Conflict, NotFound):
                self.store.update("secrets", secret)

    def _finish(self, encryption: Encryption) -> None:
        assert self.client is not None
        encryption.enter(FINISHED)
        server = self.live.current.server
        contents = bootstrap.load(self.datastore, server) or {}
        bootstrap.save(self.datastore, server, {**contents, RECORD: encryption.text()})
        if self.client.find("nodes", self.node):
            self.client.patch("nodes", self.node, {"metadata": {"annotations": dict(encryption.annotations)}})
        log.info("Reencryption of Secrets is finished")

    def _mismatch(self) -> str:
        assert self.client is not None
        seen = {
            node["metadata"]["name"]: node["metadata"]["annotations"][ANNOTATION].rpartition("-")[2]
            for node in self.client.list("nodes")
            if ANNOTATION in (node["metadata"].get("annotations") or {})
        }
        names = sorted(seen)
        other = next((name for name in names if seen[name] != seen[names[0]]), None)
        return f"hash does not match between {names[0]} and {other}" if other else ""


def _failure(code: int, message: str) -> Response:
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return Response.json({**status, "message": message, "code": code}, code)
