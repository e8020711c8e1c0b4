# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Join tokens: K10<sha256 of the cluster CA file>::user:password, the short form, and bootstrap tokens (fact A9)."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from dataclasses import dataclass

_PREFIX = "K10"
_BOOTSTRAP = re.compile(r"^([a-z0-9]{6})\.([a-z0-9]{16})$")
_ALPHABET = string.ascii_lowercase + string.digits


class TokenError(Exception):
    """A token that cannot be used."""


@dataclass(frozen=True)
class Token:
    """A parsed token: either user and password or a bootstrap token, and the hash to check the CA against."""

    ca_hash: str
    user: str
    password: str
    bootstrap: str = ""

    def matches(self, ca_file: bytes) -> None:
        """Refuse a server whose CA is not the one the token names."""
        found = ca_hash(ca_file)
        if self.ca_hash and self.ca_hash != found:
            raise TokenError(f"token CA hash does not match the Cluster CA certificate hash: {self.ca_hash} != {found}")

    def secure(self, ca_file: bytes) -> str:
        """The same token in the secure form."""
        return f"{_PREFIX}{ca_hash(ca_file)}::{self.bootstrap or f'{self.user}:{self.password}'}"


def ca_hash(ca_file: bytes) -> str:
    """The hash of a single self-signed CA: over the file's bytes, not over the certificate's."""
    return hashlib.sha256(ca_file).hexdigest()


def parse(text: str) -> Token:
    """Parse any form; messages are upstream's."""
    if not text:
        raise TokenError("token must not be empty")
    if not text.startswith(_PREFIX):
        return Token("", "", "", text) if _BOOTSTRAP.match(text) else Token("", "", text)
    hashed, separator, credentials = text.removeprefix(_PREFIX).partition("::")
    if not separator:
        raise TokenError("invalid token format")
    if hashed and len(hashed) != hashlib.sha256().digest_size * 2:
        raise TokenError("invalid token CA hash length")
    if _BOOTSTRAP.match(credentials):
        return Token(hashed, "", "", credentials)
    user, separator, password = credentials.partition(":")
    if not separator or not password:
        raise TokenError("invalid token format")
    return Token(hashed, user, password)


def new_password() -> str:
    """A random password, as long as upstream's."""
    return secrets.token_hex(16)


def new_bootstrap() -> str:
    """A random bootstrap token, kubeadm's form."""
    return f"{_random(6)}.{_random(16)}"


def split_bootstrap(text: str) -> tuple[str, str]:
    """Id and secret of a bootstrap token."""
    match = _BOOTSTRAP.match(text)
    if not match:
        raise TokenError(f'the bootstrap token "{text}" was not of the form "[a-z0-9]{{6}}.[a-z0-9]{{16}}"')
    return match[1], match[2]


def _random(size: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(size))
