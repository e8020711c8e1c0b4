# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bootstrap record: the cluster's authorities inside the datastore, encrypted with the server token (fact A9).

Whoever has a datastore and its token can bring back the cluster; whoever starts a server with another token is refused.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lab.k3s_standin.etcd_client import EtcdClient

_ROUNDS = 4096
_SALT = 8
_NONCE = 12
_TABLE = "CREATE TABLE IF NOT EXISTS bootstrap (name TEXT PRIMARY KEY, value BLOB NOT NULL)"


class BootstrapError(Exception):
    """The datastore belongs to another token."""


class Records(Protocol):
    """Where the record lies; values are bytes, and at most one name has one."""

    def all(self) -> dict[str, bytes]:
        """Every name and its value."""
        ...

    def put(self, name: str, value: bytes) -> None:
        """Write a value."""
        ...

    def move(self, old: str, new: str, value: bytes) -> None:
        """Write a value under a new name and forget the old one, in one transaction."""
        ...


@dataclass(frozen=True)
class SqliteRecords:
    """The record in SQLite's file."""

    file: Path

    def all(self) -> dict[str, bytes]:
        """Every name and its value."""
        with closing(self._open()) as database:
            return dict(database.execute("SELECT name, value FROM bootstrap").fetchall())

    def put(self, name: str, value: bytes) -> None:
        """Write a value."""
        self.move(name, name, value)

    def move(self, old: str, new: str, value: bytes) -> None:
        """Write a value under a new name and forget the old one, in one transaction."""
        with closing(self._open()) as database:
            database.execute("DELETE FROM bootstrap WHERE name=?", (old,))
            database.execute("INSERT OR REPLACE INTO bootstrap VALUES (?, ?)", (new, value))
            database.commit()

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.file)
        os.chmod(self.file, 0o600)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(_TABLE)
        return database


@dataclass(frozen=True)
class EtcdRecords:
    """The record in etcd."""

    etcd: EtcdClient

    def all(self) -> dict[str, bytes]:
        """Every name and its value."""
        return {row.key: base64.b64decode(row.value) for row in self.etcd.range("/bootstrap/")[0]}

    def put(self, name: str, value: bytes) -> None:
        """Write a value."""
        self.move(name, name, value)

    def move(self, old: str, new: str, value: bytes) -> None:
        """Write a value under a new name and forget the old one, in one transaction."""
        self.etcd.move(old, new, base64.b64encode(value).decode())


def load(datastore: Path | Records, token: str) -> dict[str, str] | None:
    """Read the record; None when the datastore has none yet."""
    rows = _records(datastore).all()
    if not rows:
        return None
    if _name(token) not in rows:
        raise BootstrapError("bootstrap data already found and encrypted with different token")
    return _decrypt(token, rows[_name(token)])


def save(datastore: Path | Records, token: str, contents: dict[str, str]) -> None:
    """Write the record, or write it over the one there is."""
    _records(datastore).put(_name(token), _encrypt(token, contents))


def rotate(datastore: Path | Records, old: str, new: str) -> None:
    """Encrypt the record with another token: there is always exactly one token that opens it."""
    contents = load(datastore, old) or {}
    _records(datastore).move(_name(old), _name(new), _encrypt(new, contents))


def _records(datastore: Path | Records) -> Records:
    return SqliteRecords(datastore) if isinstance(datastore, Path) else datastore


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
