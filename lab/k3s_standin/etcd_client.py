# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd's v3 API through its JSON gateway: keys, transactions, members, leases and one stream of changes."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT = 8.0
_PAGE = 1000
# While a leader is being elected; asking again is safe for what does not write, or compares before it writes.
_PASSING = ("etcdserver: leader changed", "etcdserver: no leader")
_PATIENCE = 6.0
Obj = dict[str, Any]


class EtcdError(Exception):
    """A refusal, or no answer."""


@dataclass(frozen=True)
class Row:
    """One key as etcd has it."""

    key: str
    value: str
    revision: int


def encoded(text: str) -> str:
    """Keys and values travel as base64."""
    return base64.b64encode(text.encode()).decode()


def decoded(text: str) -> str:
    """The other way."""
    return base64.b64decode(text).decode()


def end_of(prefix: str) -> str:
    """The first key behind all keys with this prefix."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


class EtcdClient:
    """Requests to one member; every thread has a connection of its own."""

    def __init__(self, url: str, context: ssl.SSLContext | None) -> None:
        self.url = url
        self._context = context
        self._local = threading.local()

    def call(self, path: str, body: Mapping[str, Any], timeout: float = _TIMEOUT) -> Obj:
        """One request; repeated while the members are choosing a leader."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                return self._once(path, json.dumps(body).encode(), timeout)
            except EtcdError as error:
                if not str(error).startswith(_PASSING) or time.monotonic() > until:
                    raise
            time.sleep(0.1)

    def range(self, prefix: str) -> tuple[list[Row], int]:
        """All keys below a prefix as they were at one revision."""
        rows: list[Row] = []
        start, revision = prefix, 0
        while True:
            wish: Obj = {"key": encoded(start), "range_end": encoded(end_of(prefix)), "limit": _PAGE}
            answer = self.call("/v3/kv/range", {**wish, "revision": revision} if revision else wish)
            revision = revision or int(answer["header"]["revision"])
            rows += [row_of(each) for each in answer.get("kvs") or []]
            if not answer.get("more"):
                return rows, revision
            start = rows[-1].key + "\0"

    def get(self, key: str) -> tuple[Row | None, int]:
        """One key, and the revision of the cluster that a majority agrees on."""
        answer = self.call("/v3/kv/range", {"key": encoded(key)})
        rows = [row_of(each) for each in answer.get("kvs") or []]
        return (rows[0] if rows else None), int(answer["header"]["revision"])

    def write(self, key: str, value: str | None, expected: int, lease: str = "") -> int | None:
        """Put (delete, without a value) if the key is at this revision, 0 for absent; the new revision, or None."""
        compare = [{"key": encoded(key), "target": "MOD", "result": "EQUAL", "mod_revision": expected}]
        operation: Obj = {"request_delete_range": {"key": encoded(key)}}
        if value is not None:
            put = {"key": encoded(key), "value": encoded(value), **({"lease": lease} if lease else {})}
            operation = {"request_put": put}
        answer = self.call("/v3/kv/txn", {"compare": compare, "success": [operation]})
        return int(answer["header"]["revision"]) if answer.get("succeeded") else None

    def put(self, key: str, value: str, lease: str = "") -> None:
        """Write whatever there was."""
        self.call("/v3/kv/put", {"key": encoded(key), "value": encoded(value), **({"lease": lease} if lease else {})})

    def move(self, old: str, new: str, value: str) -> None:
        """Write one key and delete another in one transaction."""
        operations: list[Obj] = [{"request_put": {"key": encoded(new), "value": encoded(value)}}]
        if old != new:
            operations.append({"request_delete_range": {"key": encoded(old)}})
        self.call("/v3/kv/txn", {"success": operations})

    def stream(self, prefix: str, start: int) -> Iterator[Obj]:
        """Watch responses from a revision on; ends when the connection does."""
        connection = self._connect(None)
        try:
            wish = {"key": encoded(prefix), "range_end": encoded(end_of(prefix)), "start_revision": start}
            connection.request("POST", "/v3/watch", json.dumps({"create_request": wish}))
            response = connection.getresponse()
            while line := response.readline():
                answer = json.loads(line)
                if "error" in answer:
                    raise EtcdError(str(answer["error"].get("message")))
                yield answer["result"]
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            raise EtcdError(f"watch of {self.url} ended: {error}") from error
        finally:
            connection.close()

    def _connect(self, timeout: float | None) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port or 2379
        if self._context is None:
            return http.client.HTTPConnection(host, port, timeout=timeout)
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=self._context)

    def _once(self, path: str, body: bytes, timeout: float) -> Obj:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        reused = connection is not None
        connection = connection or self._connect(timeout)
        self._local.connection = connection
        for last in (not reused, True):
            try:
                connection.request("POST", path, body)
                response = connection.getresponse()
                text = response.read()
                break
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                # Closed while it was idle: only then a second attempt helps, and nothing was written by the first.
                if last or isinstance(error, TimeoutError):
                    raise EtcdError(f"etcdserver: request timed out ({self.url}: {error!r})") from error
        try:
            answer: Obj = json.loads(text)
        except ValueError as error:
            raise EtcdError(f"etcd answered {response.status}: {text[:80]!r}") from error
        if response.status != 200:
            raise EtcdError(str(answer.get("error") or answer.get("message") or text))
        return answer


def row_of(document: Mapping[str, Any]) -> Row:
    """A key-value pair of an answer."""
    return Row(decoded(document["key"]), decoded(document.get("value", "")), int(document["mod_revision"]))
