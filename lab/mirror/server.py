# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release mirror: upstream's paths over HTTP, with Range and ETag, and faults on request.

Runs alone inside the mirror's container, so it uses the standard library only. Faults are read from ``faults.json`` in
the tree at every request: ``{"/path": {"truncate": 5000}}``; kinds are ``status`` (answer this code), ``truncate``
(announce the whole length, send this many bytes), ``flip_byte`` (change the byte at this offset), ``delay``
(seconds before answering) and ``rate`` (bytes per second).
"""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any

RANGE = re.compile(r"bytes=(\d+)-(\d*)$")
CHUNK = 1 << 20


def fault_for(root: Path, path: str) -> dict[str, Any]:
    """The fault somebody ordered for this path, if any."""
    try:
        faults = json.loads((root / "faults.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    found: dict[str, Any] = faults.get(path, {})
    return found


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves files below root; the server carries root."""

    protocol_version = "HTTP/1.1"
    server: MirrorServer

    def do_GET(self) -> None:
        self._serve(body=True)

    def do_HEAD(self) -> None:
        self._serve(body=False)

    def _serve(self, body: bool) -> None:
        root = self.server.root
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        fault = fault_for(root, path)
        time.sleep(fault.get("delay", 0))
        file = (root / path.lstrip("/")).resolve()
        inside = file.is_relative_to(root) and file.is_file() and file.name != "faults.json"
        if fault.get("status") or not inside:
            self.send_error(fault.get("status", 404))
            return
        size = file.stat().st_size
        etag = '"' + hashlib.sha256(f"{file}{size}{file.stat().st_mtime_ns}".encode()).hexdigest()[:20] + '"'
        span = self._span(size, etag)
        if span is None:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        first, last = span
        self.send_response(206 if (first, last) != (0, size - 1) else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", etag)
        if (first, last) != (0, size - 1):
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if body:
            self._send(file, first, last, fault)

    def _span(self, size: int, etag: str) -> tuple[int, int] | None:
        """First and last byte to send; the whole file for no range or an outdated If-Range; None when impossible."""
        match = RANGE.match(self.headers.get("Range", ""))
        if not match or self.headers.get("If-Range", etag) != etag:
            return 0, size - 1
        first = int(match.group(1))
        last = min(int(match.group(2)) if match.group(2) else size - 1, size - 1)
        return (first, last) if first <= last else None

    def _send(self, file: Path, first: int, last: int, fault: dict[str, Any]) -> None:
        end = min(last + 1, fault.get("truncate", last + 1))
        rate = fault.get("rate", 0)
        position = first
        with file.open("rb") as stream:
            stream.seek(first)
            while position < end:
                data = bytearray(stream.read(min(rate // 10 + 1 if rate else CHUNK, end - position)))
                flip = fault.get("flip_byte", -1)
                if position <= flip < position + len(data):
                    data[flip - position] ^= 0xFF
                self.wfile.write(data)
                position += len(data)
                time.sleep(len(data) / rate if rate else 0)
        if end < last + 1:
            self.close_connection = True


class MirrorServer(http.server.ThreadingHTTPServer):
    """The HTTP server over one tree."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], root: Path) -> None:
        super().__init__(address, Handler)
        self.root = root.resolve()


if __name__ == "__main__":
    MirrorServer(("", int(sys.argv[2])), Path(sys.argv[1])).serve_forever()
