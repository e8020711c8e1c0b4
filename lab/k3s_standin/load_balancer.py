# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's local load balancer: TCP from 127.0.0.1 to whichever server answers first in the list."""

from __future__ import annotations

import json
import select
import socket
import threading
from pathlib import Path

from lab.k3s_standin import files, log

_CONNECT_SECONDS = 3.0
_CHUNK = 64 * 1024
Address = tuple[str, int]


class LoadBalancer:
    """Listens until stopped; the server list is kept on disk, so that a node starts while its first server is away."""

    def __init__(self, port: int, first: str, state: Path) -> None:
        self._state = state
        self._first = first
        self._servers = self._remembered()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """Where clients on this node connect to."""
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Accept connections in the background."""
        shown = f"[{' '.join(self._servers)}] [default: {self._first}]"
        log.info(f"Running load balancer k3s-agent-load-balancer 127.0.0.1:{self.port} -> {shown}")
        threading.Thread(target=self._accept, name="load-balancer", daemon=True).start()

    def stop(self) -> None:
        """Stop accepting."""
        self._listener.close()

    def update(self, servers: list[str]) -> None:
        """Take over the list a server gave."""
        if not servers or sorted(servers) == sorted(self._servers):
            return
        self._servers = servers
        files.write(
            self._state, json.dumps({"ServerURL": f"https://{self._first}", "ServerAddresses": servers}, indent=2)
        )
        log.info(
            f"Updated load balancer k3s-agent-load-balancer server addresses -> {servers} [default: {self._first}]"
        )

    def _remembered(self) -> list[str]:
        try:
            document = json.loads(self._state.read_text())
            if document["ServerURL"] == f"https://{self._first}":
                return list(document["ServerAddresses"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return [self._first]

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            server = self._connect()
            if server is not None:
                with server:
                    _forward(client, server)

    def _connect(self) -> socket.socket | None:
        for server in dict.fromkeys([*self._servers, self._first]):
            host, _, port = server.rpartition(":")
            try:
                connection = socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS)
            except OSError:
                # Asked last from now on: a dead machine costs every connection its time.
                self._servers = [each for each in self._servers if each != server] + [server] * (
                    server in self._servers
                )
                continue
            connection.settimeout(None)
            return connection
        return None


def _forward(left: socket.socket, right: socket.socket) -> None:
    other = {left: right, right: left}
    while True:
        for source in select.select([left, right], [], [])[0]:
            try:
                data = source.recv(_CHUNK)
                if not data:
                    return
                other[source].sendall(data)
            except OSError:
                return
