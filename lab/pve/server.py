# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API over HTTPS, as pveproxy serves it: /api2/json, reasons in the status line, data in an envelope."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from lab.pve import routes_machine, routes_node
from lab.pve.api import Api
from lab.pve.errors import ApiError

PREFIX = "/api2/json"
# importing them makes their paths known
ROUTES = (routes_node, routes_machine)


class Server(ThreadingHTTPServer):
    """One API at one address; the certificate is chosen at each connection."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], api: Api, certificates: Path) -> None:
        super().__init__(address, Handler)
        self.api, self.certificates = api, certificates

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Speak TLS in the connection's own thread, so that a client that never speaks holds up nobody."""
        kind = str(self.api.faults.get("certificate") or "good")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates / f"{kind}.pem")
        request.settimeout(60)
        try:
            with context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except (ssl.SSLError, ConnectionError, TimeoutError):
            # a client that does not trust the certificate goes away
            return

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that end are no news."""

    def shutdown_request(self, request: Any) -> None:
        """The socket may be gone with its TLS session."""
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_WR)
        self.close_request(request)


class Handler(BaseHTTPRequestHandler):
    """One request of upstream's API."""

    protocol_version = "HTTP/1.1"
    server: Server

    def _answer(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        data: dict[str, Any] = dict(parse_qsl(url.query, keep_blank_values=True))
        data |= dict(parse_qsl(body, keep_blank_values=True))
        api = self.server.api
        api.faults.delay("GET" if self.command == "GET" else "writes")
        try:
            self._send(200, "OK", {"data": self._result(unquote(url.path), data)})
        except ApiError as error:
            answer: dict[str, Any] = {"data": None}
            self._send(error.status, error.reason, answer | ({"errors": error.errors} if error.errors else {}))

    def _result(self, path: str, data: dict[str, Any]) -> Any:
        api = self.server.api
        if not path.startswith(PREFIX):
            raise ApiError(501, f"no such file '{path}'")
        path = path.removeprefix(PREFIX)
        if (self.command, path) == ("POST", "/access/ticket"):
            return api.access.ticket(str(data.get("username")), str(data.get("password")))
        user = api.access.who(self.command, dict(self.headers.items()))
        return api.answer(self.command, path, user, data)

    def _send(self, status: int, reason: str, document: dict[str, Any]) -> None:
        content = json.dumps(document).encode()
        self.send_response(status, reason.replace("\n", " "))
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """The log has paths and answers, and no header."""
        status = args[1] if len(args) > 1 else ""
        line = f"{self.log_date_time_string()} {self.command} {self.path} {status}"
        print(line, file=sys.stderr, flush=True)
