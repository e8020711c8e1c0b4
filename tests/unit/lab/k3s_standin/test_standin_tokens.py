# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import hashlib
import re
from typing import Any

import pytest

from lab.k3s_standin import bootstrap_tokens, tokens

CA = b"-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"
HASH = hashlib.sha256(CA).hexdigest()
BOOTSTRAP = "abcdef.0123456789abcdef"
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("plain", tokens.Token("", "", "plain")),
        (f"K10{HASH}::server:pw", tokens.Token(HASH, "server", "pw")),
        (f"K10{HASH}::node:p:w", tokens.Token(HASH, "node", "p:w")),
        (BOOTSTRAP, tokens.Token("", "", "", BOOTSTRAP)),
        (f"K10{HASH}::{BOOTSTRAP}", tokens.Token(HASH, "", "", BOOTSTRAP)),
    ],
)
def test_every_form_is_read(text: str, wanted: tokens.Token) -> None:
    assert tokens.parse(text) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "token must not be empty"),
        ("K10abc::server:pw", "invalid token CA hash length"),
        (f"K10{HASH}::server:", "invalid token format"),
        (f"K10{HASH}::server", "invalid token format"),
        ("K10nothing", "invalid token format"),
    ],
)
def test_broken_tokens_are_refused(text: str, message: str) -> None:
    with pytest.raises(tokens.TokenError, match=message):
        tokens.parse(text)


def test_secure_form_is_read_back() -> None:
    secure = tokens.Token("", "node", "pw").secure(CA)
    assert secure == f"K10{HASH}::node:pw"
    tokens.parse(secure).matches(CA)


def test_another_ca_is_refused_and_a_short_token_trusts() -> None:
    with pytest.raises(tokens.TokenError, match=f"{HASH} != {hashlib.sha256(b'x').hexdigest()}"):
        tokens.parse(f"K10{HASH}::server:pw").matches(b"x")
    tokens.parse("short").matches(b"x")


def test_generated_tokens_have_upstreams_form() -> None:
    assert re.fullmatch(r"[a-z0-9]{6}\.[a-z0-9]{16}", tokens.new_bootstrap())
    assert re.fullmatch(r"[0-9a-f]{32}", tokens.new_password())


@pytest.mark.parametrize(("text", "wanted"), [("24h0m0s", 86400), ("90s", 90), ("1.5h", 5400), ("0", 0), ("", 0)])
def test_durations_are_read(text: str, wanted: float) -> None:
    assert bootstrap_tokens.seconds(text) == wanted


@pytest.mark.parametrize("text", ["1d", "h", "10", "5m x"])
def test_wrong_durations_are_refused(text: str) -> None:
    with pytest.raises(tokens.TokenError, match="invalid duration"):
        bootstrap_tokens.seconds(text)


class _Secrets:
    def __init__(self, secret: dict[str, Any]) -> None:
        self._secret = secret

    def find(self, key: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        found = (key, name, namespace) == ("secrets", self._secret["metadata"]["name"], "kube-system")
        return self._secret if found else None


@pytest.mark.parametrize(
    ("ttl", "token", "after", "wanted"),
    [
        (60.0, BOOTSTRAP, 59, True),
        (60.0, BOOTSTRAP, 60, False),
        (0.0, BOOTSTRAP, 10**9, True),
        (60.0, "abcdef.0000000000000000", 1, False),
        (60.0, "zzzzzz.0123456789abcdef", 1, False),
        (60.0, "nonsense", 1, False),
    ],
)
def test_bootstrap_tokens_are_good_until_they_expire(ttl: float, token: str, after: int, wanted: bool) -> None:
    client = _Secrets(bootstrap_tokens.secret(BOOTSTRAP, ttl, "", NOW))
    assert bootstrap_tokens.valid(client, token, NOW + datetime.timedelta(seconds=after)) is wanted


def test_an_ordinary_secret_is_no_token() -> None:
    secret = {**bootstrap_tokens.secret(BOOTSTRAP, 0, "", NOW), "type": "Opaque"}
    assert not bootstrap_tokens.valid(_Secrets(secret), BOOTSTRAP, NOW)
