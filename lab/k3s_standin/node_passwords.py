# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node passwords: the first to come with a node's name keeps it (fact A10)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import threading

from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.errors import AlreadyExists, NotFound, Obj

NAMESPACE = "kube-system"
# Upstream takes N=2^15; fifty nodes joining on two cores would wait for that, and nothing is at stake here.
_LOG_N, _R, _P = 10, 8, 1


class Rejected(Exception):
    """The password is not the one this node's name was registered with."""


def secret_name(node: str) -> str:
    """The Secret of a node."""
    return f"{node}.node-password.k3s".lower()


class NodePasswords:
    """Ensures and checks node passwords."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()

    def ensure(self, node: str, password: str) -> None:
        """Accept a known node's password or a new node's name; Rejected otherwise."""
        with self._lock:
            try:
                secret = self._client.get("secrets", secret_name(node), NAMESPACE)
            except NotFound:
                secret = self._create(node, password)
        recorded = base64.b64decode((secret.get("data") or {}).get("hash", "")).decode()
        if not _verify(recorded, password):
            raise Rejected(f"unable to verify hash for node '{node}': hash does not match")

    def forget(self, node: str) -> None:
        """Remove the Secret of a node that was deleted."""
        try:
            self._client.delete("secrets", secret_name(node), NAMESPACE)
        except NotFound:
            return

    def _create(self, node: str, password: str) -> Obj:
        hashed = base64.b64encode(_hash(password, os.urandom(8)).encode()).decode()
        metadata = {"name": secret_name(node), "namespace": NAMESPACE}
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "immutable": True,
            "data": {"hash": hashed},
        }
        try:
            return self._client.create({**secret, "type": "Opaque"})
        except AlreadyExists:
            return self._client.get("secrets", secret_name(node), NAMESPACE)


def _hash(password: str, salt: bytes) -> str:
    key = hashlib.scrypt(password.encode(), salt=salt, n=1 << _LOG_N, r=_R, p=_P, dklen=64)
    return f"$1:{salt.hex()}:{_LOG_N}:{_R}:{_P}:{base64.b64encode(key).decode().rstrip('=')}"


def _verify(recorded: str, password: str) -> bool:
    parts = recorded.split(":")
    if len(parts) != 6:
        return False
    return hmac.compare_digest(recorded, _hash(password, bytes.fromhex(parts[1])))
