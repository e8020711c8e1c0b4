# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bootstrap tokens: Secrets of kubeadm's form in kube-system, good for agents until they expire (fact A9)."""

from __future__ import annotations

import base64
import datetime
import hmac
import re
from typing import Any, Protocol

from lab.k3s_standin.tokens import TokenError, split_bootstrap

NAMESPACE = "kube-system"
TYPE = "bootstrap.kubernetes.io/token"
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
Obj = dict[str, Any]


class _Finder(Protocol):
    def find(self, key: str, name: str, namespace: str | None = None) -> Obj | None: ...


def secret(token: str, ttl: float, description: str, now: datetime.datetime) -> Obj:
    """The Secret of a token; ttl 0 never expires."""
    identifier, password = split_bootstrap(token)
    data = {
        "token-id": identifier,
        "token-secret": password,
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": "system:bootstrappers:k3s:default-node-token",
        "description": description,
    }
    if ttl:
        data["expiration"] = (now + datetime.timedelta(seconds=ttl)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": TYPE,
        "metadata": {"name": f"bootstrap-token-{identifier}", "namespace": NAMESPACE},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items() if value},
    }


def valid(client: _Finder, token: str, now: datetime.datetime | None = None) -> bool:
    """Whether an agent may join with this token."""
    try:
        identifier, password = split_bootstrap(token)
    except TokenError:
        return False
    stored = client.find("secrets", f"bootstrap-token-{identifier}", NAMESPACE)
    if stored is None or stored.get("type") != TYPE:
        return False
    return hmac.compare_digest(field(stored, "token-secret"), password) and not expired(stored, now)


def expired(stored: Obj, now: datetime.datetime | None = None) -> bool:
    """Whether a token's time is over."""
    text = field(stored, "expiration")
    if not text:
        return False
    end = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC)
    return end <= (now or datetime.datetime.now(datetime.UTC))


def field(stored: Obj, name: str) -> str:
    """One field of a token's Secret."""
    return base64.b64decode((stored.get("data") or {}).get(name, "")).decode()


def seconds(duration: str) -> float:
    """Read a Go duration such as 24h0m0s or 0."""
    if duration in ("", "0"):
        return 0.0
    parts = re.findall(r"(\d+(?:\.\d+)?)([hms])", duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise TokenError(f'invalid duration "{duration}", expected for example 24h0m0s, or 0 for no end')
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
