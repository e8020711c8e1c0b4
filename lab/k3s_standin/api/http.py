# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 over TLS: one thread for each connection, requests and answers as plain values."""

from __future__ import annotations

import json
import select
import socket
import ssl
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lab.k3s_standin.api import protobuf
from lab.k3s_standin.api.errors import ApiError, Obj, bad_request
from lab.k3s_standin.api.identity import RequestIdentity, User

MAX_BODY = 16 * 1024 * 1024
IDLE_SECONDS = 300
JSON = "application/json"


@dataclass
class Request:
    """One request, read completely."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    identity: RequestIdentity = field(default_factory=RequestIdentity)
    user: User | None = None
    # True once the client has gone away: streams ask from time to time.
    gone: Callable[[], bool] = lambda: False

    @property
    def content_type(self) -> str:
        """The body's media type."""
        return self.headers.get("content-type", JSON).partition(";")[0].strip()

    def value(self) -> Any:
        """The body as a value: JSON, YAML or protobuf."""
        if self.content_type == protobuf.MEDIA_TYPE:
            return protobuf.decode(self.body)
        try:
            return json.loads(self.body or b"{}")
        except ValueError as error:
            if "yaml" not in self.content_type:
                raise bad_request(f"the request body is not JSON: {error}") from error
        # Importing the parser takes longer than most requests, and few need it.
        import yaml

        try:
            return yaml.safe_load(self.body)
        except yaml.YAMLError as error:
            raise bad_request(f"the request body is not YAML: {error}") from error

    def json(self) -> Obj:
        """The body, which must be an object."""
        value = self.value()
        if not isinstance(value, dict):
            raise bad_request("the request body is not an object")
        return value


@dataclass
class Response:
    """One answer: a body, or a stream of chunks."""

    code: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    stream: Iterator[bytes] | None = None

    @classmethod
    def json(cls, value: Any, code: int = 200, content_type: str = JSON) -> Response:
        """An answer holding one JSON document."""
        return cls(code, json.dumps(value, separators=(",", ":")).encode(), content_type)

    @classmethod
    def error(cls, error: ApiError) -> Response:
        """An answer holding a Status object."""
        return cls.json(error.status(), error.code)


Handler = Callable[[Request], Response]


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    server: HttpServer

    def setup(self) -> None:
        self.request.settimeout(10)
        self.request.do_handshake()
        super().setup()

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError, ssl.SSLError):
            self.close_connection = True

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self._send(Response.error(ApiError(413, "RequestEntityTooLarge", "the body is chunked or above 16 MiB")))
            return
        parts = urlsplit(self.path)
        request = Request(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length) if length else b"",
            _identity(self.connection, self.headers.get("Authorization")),
            gone=lambda: _hung_up(self.connection),
        )
        self._send(self.server.answer(request))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _send(self, response: Response) -> None:
        headers = {"Content-Type": response.content_type, "Cache-Control": "no-cache, private", **response.headers}
        if response.stream is None:
            headers["Content-Length"] = str(len(response.body))
        else:
            headers["Transfer-Encoding"] = "chunked"
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {response.code} {self.responses.get(response.code, ('Unknown',))[0]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self.wfile.write(head if self.command == "HEAD" else head + response.body)
        if response.stream is not None:
            self._send_stream(response.stream)

    def _send_stream(self, stream: Iterator[bytes]) -> None:
        try:
            for chunk in stream:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\n\r\n")
        finally:
            close = getattr(stream, "close", None)
            if close:
                close()

    def log_message(self, format: str, *args: Any) -> None:
        """No line for each request: the journal of a small machine is not the place."""


class HttpServer(ThreadingHTTPServer):
    """Accepts connections; the TLS handshake happens in the connection's own thread."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: str, port: int, context: ssl.SSLContext, answer: Handler) -> None:
        if ":" in address:
            self.address_family = socket.AF_INET6
        self._context = context
        self._answer = answer
        self._connections: set[ssl.SSLSocket] = set()
        self._guard = threading.Lock()
        self._stopping = False
        self._pause = threading.Event()
        super().__init__((address, port), _Connection)

    def server_bind(self) -> None:
        # HTTPServer's own version asks DNS for the host's name, which may take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def answer(self, request: Request) -> Response:
        """Answer a request; nothing escapes as anything but a Status."""
        try:
            return self._answer(request)
        except ApiError as error:
            return Response.error(error)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return Response.error(ApiError(500, "InternalError", f"Internal error occurred: {error!r}"))

    def run(self) -> None:
        """Accept connections until stop is called; unlike serve_forever it sleeps while there are none."""
        while not self._stopping:
            try:
                request, address = self.get_request()
            except OSError:
                # The peer gave up before we took the connection, or no descriptor is free; or we are stopping.
                self._pause.wait(0.05)
                continue
            self.process_request(request, address)

    def stop(self) -> None:
        """Stop accepting, and cut every open connection."""
        self._stopping = True
        self._pause.set()
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            # Already closed.
            return
        self.server_close()
        with self._guard:
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def get_request(self) -> tuple[ssl.SSLSocket, Any]:
        """Accept, without waiting for the handshake."""
        raw, peer = self.socket.accept()
        wrapped = self._context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
        with self._guard:
            self._connections.add(wrapped)
        return wrapped, peer

    def shutdown_request(self, request: Any) -> None:
        """Forget and close a connection."""
        with self._guard:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Failed handshakes (scanners, old certificates) are the peer's affair."""
        if not isinstance(sys.exc_info()[1], (OSError, ssl.SSLError)):
            traceback.print_exc(file=sys.stderr)


def _identity(connection: ssl.SSLSocket, authorization: str | None) -> RequestIdentity:
    certificate = connection.getpeercert() or {}
    subject: Any = certificate.get("subject", ())
    pairs = [pair for group in subject for pair in group]
    names = [value for key, value in pairs if key == "commonName"]
    organizations = tuple(value for key, value in pairs if key == "organizationName")
    return RequestIdentity(names[0] if names else None, organizations, authorization)


def _hung_up(connection: ssl.SSLSocket) -> bool:
    # A client that waits for a stream sends nothing; readable therefore means closed (or closing).
    try:
        waiting = select.poll()
        waiting.register(connection, select.POLLIN)
        return bool(waiting.poll(0))
    except (OSError, ValueError):
        return True
