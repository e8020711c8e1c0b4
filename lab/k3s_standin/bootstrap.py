# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bootstrap record: the cluster's authorities inside the datastore, encrypted with the server token (fact A9).

Whoever has a datastore and its token can bring back the cluster; whoever starts a server with another token is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_ROUNDS = 4096
_SALT = 8
_NONCE = 12
_TABLE = "CREATE TABLE IF NOT EXISTS bootstrap (name TEXT PRIMARY KEY, value BLOB NOT NULL)"


class BootstrapError(Exception):
    """The datastore belongs to another token."""


def load(datastore: Path, token: str) -> dict[str, str] | None:
    """Read the record; None when the datastore has none yet."""
    with closing(_open(datastore)) as database:
        rows = dict(database.execute("SELECT name, value FROM bootstrap").fetchall())
    if not rows:
        return None
    if _name(token) not in rows:
        raise BootstrapError("bootstrap data already found and encrypted with different token")
    return _decrypt(token, rows[_name(token)])


def save(datastore: Path, token: str, contents: dict[str, str]) -> None:
    """Write the record, once."""
    with closing(_open(datastore)) as database:
        database.execute("INSERT OR IGNORE INTO bootstrap VALUES (?, ?)", (_name(token), _encrypt(token, contents)))
        database.commit()


def replace(datastore: Path, token: str, contents: dict[str, str]) -> None:
    """Write the record over the one there is."""
    with closing(_open(datastore)) as database:
        database.execute("INSERT OR REPLACE INTO bootstrap VALUES (?, ?)", (_name(token), _encrypt(token, contents)))
        database.commit()


def rotate(datastore: Path, old: str, new: str) -> None:
    """Encrypt the record with another token, in one transaction: there is always exactly one token that opens it."""
    contents = load(datastore, old) or {}
    with closing(_open(datastore)) as database:
        database.execute("DELETE FROM bootstrap WHERE name=?", (_name(old),))
        database.execute("INSERT OR REPLACE INTO bootstrap VALUES (?, ?)", (_name(new), _encrypt(new, contents)))
        database.commit()


def _open(datastore: Path) -> sqlite3.Connection:
    database = sqlite3.connect(datastore)
    os.chmod(datastore, 0o600)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute(_TABLE)
    return database


def _name(token: str) -> str:
    return f"/bootstrap/{hashlib.sha256(token.encode()).hexdigest()[:12]}"


def _encrypt(token: str, contents: dict[str, str]) -> bytes:
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    return salt + nonce + AESGCM(_key(token, salt)).encrypt(nonce, json.dumps(contents).encode(), None)


def _decrypt(token: str, value: bytes) -> dict[str, str]:
    salt, nonce, text = value[:_SALT], value[_SALT : _SALT + _NONCE], value[_SALT + _NONCE :]
    try:
        contents: dict[str, str] = json.loads(AESGCM(_key(token, salt)).decrypt(nonce, text, None))
    except InvalidTag as error:
        raise BootstrapError("bootstrap data cannot be decrypted with this token: the datastore is damaged") from error
    return contents


def _key(token: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha1", token.encode(), salt, _ROUNDS, 32)
