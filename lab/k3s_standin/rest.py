# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTPS client: one connection kept open, JSON in and out."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT = 10.0
Obj = dict[str, Any]


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, url: str, status: int, reason: str, body: bytes) -> None:
        super().__init__(f"{url}: {status} {reason}")
        self.status = status
        try:
            self.message = str(json.loads(body).get("message") or self)
        except (ValueError, AttributeError):
            self.message = str(self)


def trusting(ca: str | None, certificate: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """A TLS context that trusts one CA; None trusts anybody, to fetch the CA that a token's hash then vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=ca)
    if certificate:
        context.load_cert_chain(*certificate)
    return context


@dataclass
class Rest:
    """Requests to one server; safe from several threads, one request at a time."""

    url: str
    context: ssl.SSLContext
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        self._lock = threading.Lock()
        self._connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port or 443, timeout=_TIMEOUT, context=self.context
        )

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> bytes:
        """Read a path."""
        return self.request("GET", path, headers=headers)

    def json(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Obj:
        """Send and read JSON."""
        answer: Obj = json.loads(self.request(method, path, body, content_type))
        return answer

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Send one request; Refused for every status outside 2xx, OSError when there is no answer."""
        data = None if body is None else json.dumps(body).encode()
        sent = {**self.headers, **(headers or {}), **({"Content-Type": content_type} if data else {})}
        with self._lock:
            status, reason, answer = self._send(method, path, data, sent)
        if not 200 <= status < 300:
            raise Refused(self.url + path, status, reason, answer)
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _send(self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        # A connection kept open may have been closed by the other side meanwhile; only then a second attempt helps.
        reused = self._connection.sock is not None
        for last in (not reused, True):
            try:
                self._connection.request(method, path, data, dict(headers))
                response = self._connection.getresponse()
                return response.status, response.reason, response.read()
            except http.client.HTTPException as error:
                self._connection.close()
                if last:
                    raise ConnectionError(f"{self.url}: {error!r}") from error
            except OSError:
                self._connection.close()
                if last:
                    raise
        raise AssertionError("unreachable")
