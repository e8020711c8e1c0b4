# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubelet's port: TLS with the node's own certificate, and for everybody the answer that strangers get."""

from __future__ import annotations

import contextlib
import os
import ssl
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lab.k3s_standin import log

PORT = 10250


class Handler(BaseHTTPRequestHandler):
    """Unauthorized, as with anonymous authentication off."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        """Whatever is asked."""
        body = b"Unauthorized"
        self.send_response(401)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """The kubelet's journal does not tell of callers."""


class Server(ThreadingHTTPServer):
    """Callers that hang up in the middle are no news."""

    daemon_threads = True

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        super().__init__(("0.0.0.0", port), Handler)
        self.context = context

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake belongs to the caller's thread, so that one that never speaks holds up nobody."""
        request.settimeout(Handler.timeout)
        with contextlib.suppress(OSError):
            super().finish_request(self.context.wrap_socket(request, server_side=True), client_address)


def port_of(arguments: Sequence[str]) -> int:
    """10250, unless kubelet-arg says something else."""
    named = [value for key, _equals, value in (argument.partition("=") for argument in arguments) if key == "port"]
    return int(named[-1]) if named else PORT


def start(agent: Path, port: int) -> ThreadingHTTPServer:
    """Listen; the process ends where another one does so already, as upstream's does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(agent / "serving-kubelet.crt", agent / "serving-kubelet.key")
    try:
        server = Server(port, context)
    except OSError as error:
        log.error(f"Failed to listen and serve: listen tcp 0.0.0.0:{port}: {error.strerror}")
        os._exit(1)
    threading.Thread(target=server.serve_forever, name="kubelet-port", daemon=True).start()
    return server
