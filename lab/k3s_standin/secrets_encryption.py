# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets sealed in the datastore with the keys of server/cred/encryption-config.json (fact A15; aescbc only)."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from lab.k3s_standin import files
from lab.k3s_standin.api.at_rest import MARK
from lab.k3s_standin.api.errors import ApiError
from lab.k3s_standin.config import ConfigError, Settings
from lab.k3s_standin.paths import Paths

# In the bootstrap record, so that a restored datastore can be read; relative to the folder of the authorities.
RECORD = "../cred/encryption-config.json"
ANNOTATION = "k3s.io/encryption-config-hash"
FINISHED = "reencrypt_finished"
_PREFIX = f"{MARK}aescbc:v1:"
_BLOCK = 16
_KEY_BYTES = 32


@dataclass(frozen=True)
class Key:
    """One key of the provider aescbc."""

    name: str
    secret: str

    @property
    def bytes(self) -> bytes:
        """The key itself."""
        return base64.b64decode(self.secret)


@dataclass
class Encryption:
    """Seals Secrets with the first key, opens them with any; stays at rest's side while keys rotate."""

    file: Path
    enabled: bool = True
    keys: list[Key] = field(default_factory=list)
    # What this server's Node says, so that servers with other keys can be told apart.
    annotations: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()

    def seal(self, resource_key: str, place: str, text: str) -> str:
        """Encrypt a Secret; everything else stays as it is."""
        if resource_key != "secrets" or not self.enabled:
            return text
        with self._lock:
            key = self.keys[0]
        vector = os.urandom(_BLOCK)
        padder = padding.PKCS7(_BLOCK * 8).padder()
        padded = padder.update(text.encode()) + padder.finalize()
        cipher = Cipher(algorithms.AES(key.bytes), modes.CBC(vector)).encryptor()
        return f"{_PREFIX}{key.name}:{base64.b64encode(vector + cipher.update(padded) + cipher.finalize()).decode()}"

    def open(self, resource_key: str, place: str, kept: str) -> str:
        """Decrypt with the key the text names; one from before the encryption is read as it is."""
        if not kept.startswith(MARK):
            return kept
        name, _, body = kept.removeprefix(_PREFIX).rpartition(":")
        with self._lock:
            key = next((key for key in self.keys if key.name == name), None)
        if key is None:
            why = f"unable to transform key {resource_key} {place}: no matching key was found for the provided AES-CBC"
            raise ApiError(500, "InternalError", why)
        data = base64.b64decode(body)
        cipher = Cipher(algorithms.AES(key.bytes), modes.CBC(data[:_BLOCK])).decryptor()
        unpadder = padding.PKCS7(_BLOCK * 8).unpadder()
        return (unpadder.update(cipher.update(data[_BLOCK:]) + cipher.finalize()) + unpadder.finalize()).decode()

    def add(self) -> Key:
        """Put a new key in front; the older ones still open what they sealed."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with self._lock:
            taken = {key.name for key in self.keys}
            name = f"aescbckey-{stamp}"
            key = _new_key(name if name not in taken else f"{name}-{len(taken)}")
            self.keys.insert(0, key)
        self.write()
        return key

    def drop_old(self) -> None:
        """Keep only the key in front."""
        with self._lock:
            del self.keys[1:]
        self.write()

    def write(self) -> None:
        """Write the configuration as kube-apiserver reads it."""
        files.write(self.file, self.text())

    def text(self) -> str:
        """The configuration: an identity in front means that nothing new is encrypted."""
        aescbc: dict[str, Any] = {"aescbc": {"keys": [{"name": key.name, "secret": key.secret} for key in self.keys]}}
        providers = [aescbc, {"identity": {}}] if self.enabled else [{"identity": {}}, aescbc]
        resources = [{"resources": ["secrets"], "providers": providers}]
        kind = {"kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1"}
        return json.dumps({**kind, "resources": resources})

    def enter(self, stage: str) -> None:
        """Say which stage and which keys this server is at."""
        self.annotations[ANNOTATION] = f"{stage}-{hashlib.sha256(self.text().encode()).hexdigest()}"


def open_or_create(paths: Paths, settings: Settings) -> Encryption | None:
    """The server's keys, new ones at its first start; None when encryption is not asked for."""
    if not settings.flag("secrets-encryption"):
        return None
    if settings.text("secrets-encryption-provider") != "aescbc":
        raise ConfigError("secrets-encryption-provider: the lab stand-in knows aescbc only")
    file = paths.server / "cred/encryption-config.json"
    if not file.exists():
        created = Encryption(file, keys=[_new_key("aescbckey")])
        created.write()
    found = _read(file)
    found.enter("start")
    return found


def _new_key(name: str) -> Key:
    return Key(name, base64.b64encode(os.urandom(_KEY_BYTES)).decode())


def _read(file: Path) -> Encryption:
    try:
        providers = json.loads(file.read_text())["resources"][0]["providers"]
        keys = next(provider["aescbc"]["keys"] for provider in providers if "aescbc" in provider)
        return Encryption(file, "aescbc" in providers[0], [Key(key["name"], key["secret"]) for key in keys])
    except (OSError, ValueError, LookupError, StopIteration) as error:
        raise ConfigError(f"{file} is no encryption configuration of K3s: {error!r}") from error
