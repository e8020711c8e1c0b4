# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
from typing import Any

import pytest

from lab.k3s_standin.api.errors import ApiError
from lab.k3s_standin.api.protobuf import decode

# Bodies that kubectl 1.32.3 sent for: create secret generic s --from-literal=a=1; create service clusterip s
# --tcp=80:http; create pdb b --selector=app=x --min-available=50%;
# create deployment d --image=nginx:1 --replicas=0 --port=80.
SECRET = "azhzAAoMCgJ2MRIGU2VjcmV0Eh0KEQoBcxIAGgAiACoAMgA4AEIAEgYKAWESATEaABoAIgA="
SERVICE = (
    "azhzAAoNCgJ2MRIHU2VydmljZRJmChsKAXMSABoAIgAqADIAOABCAFoICgNhcHASAXMSQwoeCgc4MC1odHRwEgNUQ1AYUCIKCAEQABoEaHR0cCgA"
    "EggKA2FwcBIBcxoAIglDbHVzdGVySVA6AEIAUgBaAGAAaAAaAgoAGgAiAA=="
)
BUDGET = (
    "azhzAAogCglwb2xpY3kvdjESE1BvZERpc3J1cHRpb25CdWRnZXQSOAoRCgFiEgAaACIAKgAyADgAQgASFwoJCAEQABoDNTAlEgoKCAoDYXBwEgF4"
    "GgoIABgAIAAoADAAGgAiAA=="
)
DEPLOYMENT = (
    "azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50ErIBChsKAWQSABoAIgAqADIAOABCAFoICgNhcHASAWQShAEIABIKCggKA2FwcBIBZBpsChoKABIA"
    "GgAiACoAMgA4AEIAWggKA2FwcBIBZBJOEjAKBW5naW54EgduZ2lueDoxKgAyCgoAEAAYUCIAKgBCAGoAcgCAAQCIAQCQAQCiAQAaADIAQgBKAFIA"
    "WABgAGgAggEAigEAmgEAwgEAIgIKACgAOAAaDAgAEAAYACAAKAA4ABoAIgA="
)

BODIES: list[tuple[str, dict[str, Any]]] = [
    (SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "MQ=="}}),
    (
        SERVICE,
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "s", "labels": {"app": "s"}},
            "spec": {
                "ports": [{"name": "80-http", "protocol": "TCP", "port": 80, "targetPort": "http"}],
                "selector": {"app": "s"},
                "type": "ClusterIP",
            },
        },
    ),
    (
        BUDGET,
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "b"},
            "spec": {"minAvailable": "50%", "selector": {"matchLabels": {"app": "x"}}},
        },
    ),
]


def _without_status(obj: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in obj.items() if name != "status"}


@pytest.mark.parametrize(("body", "expected"), BODIES, ids=["secret", "service", "budget"])
def test_decode_gives_what_json_would(body: str, expected: dict[str, Any]) -> None:
    assert _without_status(decode(base64.b64decode(body))) == expected


BAD: list[tuple[str, bytes, int]] = [
    ("no envelope", b"{}", 400),
    ("cut off", base64.b64decode(SECRET)[:40], 400),
    ("no type", b"k8s\x00\x12\x00", 400),
    ("a kind that the table leaves out", base64.b64decode(DEPLOYMENT), 415),
    ("unknown kind", b"k8s\x00\x0a\x0a\x0a\x04x/v1\x12\x02No\x12\x00", 415),
]


@pytest.mark.parametrize(("name", "body", "code"), BAD, ids=[row[0] for row in BAD])
def test_decode_refuses_what_it_cannot_read(name: str, body: bytes, code: int) -> None:
    with pytest.raises(ApiError) as refusal:
        decode(body)
    assert refusal.value.code == code
