# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: get a file over HTTP, resuming what an earlier try left."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from .model import LocalError, ReleaseError

CHUNK = 1 << 20
TRIES = 3
PAUSE_SECONDS = 1.0


class Response(Protocol):
    """What urllib's answer offers, as far as it is needed."""

    headers: Any

    def read(self, amount: int = ..., /) -> bytes: ...

    def getcode(self) -> int: ...


# (url, request headers) -> response; raises urllib.error.URLError
Opener = Callable[[str, Mapping[str, str]], Response]


def sha256_of(path: str) -> str | None:
    """Digest of a file, None when there is none."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def read_text(opener: Opener, url: str, limit: int = CHUNK) -> str:
    """A small text file."""
    return _retried(lambda: opener(url, {}).read(limit).decode("utf-8", "replace"), url)


def download(opener: Opener, url: str, path: str) -> None:
    """Fetch url to path, which appears only once it is complete; an earlier partial file is continued."""
    part = f"{path}.part"
    _retried(lambda: _continue(opener, url, part), url)
    os.rename(part, path)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{part}.etag")


@contextlib.contextmanager
def writing(path: str) -> Iterator[None]:
    """Tell a disk that is full or not ours from a network that fails: both are an OSError."""
    try:
        yield
    except OSError as error:
        raise LocalError(
            f"{path} cannot be written ({error.strerror}); make room or give the right to, or name another folder"
        ) from error


def _continue(opener: Opener, url: str, part: str) -> None:
    headers: dict[str, str] = {}
    have = os.path.getsize(part) if os.path.exists(part) else 0
    etag = _etag_of(part)
    if have and etag:
        # If-Range makes a server whose file changed since then send the whole of it
        headers = {"Range": f"bytes={have}-", "If-Range": etag}
    try:
        response = opener(url, headers)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        # the partial file is as long as the whole: start afresh
        response, headers = opener(url, {}), {}
    resumed = response.getcode() == 206
    total = (have if resumed else 0) + int(response.headers.get("Content-Length") or 0)
    # the old bytes go before the new mark comes: one of another release must never be continued
    with writing(part), open(part, "ab" if resumed else "wb") as target:
        with open(f"{part}.etag", "w", encoding="utf-8") as stream:
            stream.write(response.headers.get("ETag") or "")
        for chunk in _chunks(response, url):
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    got = os.path.getsize(part)
    if total and got < total:
        raise ReleaseError(f"{url} broke off after {got} of {total} bytes; run again to continue, or check the server")


def _chunks(response: Response, url: str) -> Iterator[bytes]:
    try:
        while chunk := response.read(CHUNK):
            yield chunk
    except (http.client.HTTPException, OSError) as error:
        raise ReleaseError(
            f"{url} broke off ({reason_of(error)}); run again to continue, or check the server"
        ) from error


def reason_of(error: Exception) -> str:
    """The innermost words of a failed request."""
    return str(getattr(error, "reason", error)).strip() or type(error).__name__


def _etag_of(part: str) -> str:
    try:
        with open(f"{part}.etag", encoding="utf-8") as stream:
            return stream.read().strip()
    except FileNotFoundError:
        return ""


def _retried(attempt: Callable[[], Any], url: str) -> Any:
    for left in reversed(range(TRIES)):
        try:
            return attempt()
        except LocalError:
            raise
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise ReleaseError(
                    f"{url} does not exist (404); check that the version is spelled as it was released"
                ) from error
            problem: Exception = ReleaseError(
                f"{url} answered {error.code} {error.reason}, expected 200; check the server"
            )
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            if url.startswith("file:"):
                raise ReleaseError(
                    f"{url} cannot be read: {reason_of(error)}; put the release's files there, or name another folder"
                ) from error
            problem = ReleaseError(f"{url} cannot be reached: {reason_of(error)}; check the network, or name a mirror")
        except ReleaseError as error:
            problem = error
        if not left:
            raise problem
        time.sleep(PAUSE_SECONDS)
    raise AssertionError("unreachable")
