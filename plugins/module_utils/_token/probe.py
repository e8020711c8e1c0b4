# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: ask a K3s server which server token it accepts, and have it replace that token."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._token.plan import NEW, NONE, OLD, OTHER, TokenError

# For holders of the server token alone, and changes nothing.
_HARMLESS = "/v1-k3s/encrypt/status"
_UNAUTHORIZED = (401, 403)
_NOT_YET = 503
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Answer:
    """Status and text of one answer; 0 when there was none."""

    status: int
    text: str = ""


# (method, path, password, body) -> answer
Ask = Callable[[str, str, str, "bytes | None"], Answer]


def asker(port: int, authority: str, timeout: float) -> Ask:
    """Ask the server on this host over TLS, trusting only its own authority; secrets are in no argument list."""

    def ask(method: str, path: str, password: str, body: bytes | None) -> Answer:
        credentials = base64.b64encode(f"server:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
        try:
            context = ssl.create_default_context(cafile=authority)
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode("utf-8", "replace"))
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, str(error))

    return ask


def accepted(ask: Ask, new: str, old: str | None, patience: float) -> str:
    """Which token the running server accepts; a server that is just starting gets some seconds."""
    deadline = time.monotonic() + patience
    while True:
        answers = {NEW: ask("GET", _HARMLESS, new, None)}
        if old and answers[NEW].status in _UNAUTHORIZED:
            answers[OLD] = ask("GET", _HARMLESS, old, None)
        if all(answer.status not in (0, _NOT_YET) for answer in answers.values()):
            break
        if time.monotonic() > deadline:
            return NONE
        time.sleep(_PAUSE_SECONDS)
    for kind, answer in answers.items():
        if answer.status not in _UNAUTHORIZED:
            return kind
    return OTHER


def rotate(ask: Ask, new: str, old: str, host: str) -> None:
    """What `k3s token rotate` asks for, without a token among the arguments of a process; TokenError when refused."""
    answer = ask("PUT", "/v1-k3s/token", old, json.dumps({"newToken": new}).encode())
    if answer.status != http.client.OK:
        said = answer.text.replace(new, "****").replace(old, "****").strip().splitlines()
        raise TokenError(
            f"{host} did not replace the server token (status {answer.status}: {said[-1] if said else 'no word'}), "
            "expected 200; look at journalctl -u k3s there, then run this again"
        )
