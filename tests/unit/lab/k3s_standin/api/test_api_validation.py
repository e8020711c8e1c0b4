# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from lab.k3s_standin.api import schema
from lab.k3s_standin.api.errors import Invalid
from lab.k3s_standin.api.registry import Registry
from lab.k3s_standin.api.validation import validate

REGISTRY = Registry()

BAD: list[tuple[str, str, dict[str, Any], str]] = [
    ("upper case name", "configmaps", {"name": "Bad"}, "a lowercase RFC 1123 subdomain must consist of"),
    ("dotted namespace", "namespaces", {"name": "a.b"}, "a lowercase RFC 1123 label must consist of"),
    ("service starting with a digit", "services", {"name": "1a"}, "a DNS-1035 label must consist of"),
    ("long name", "configmaps", {"name": "a" * 254}, "must be no more than 253 characters"),
    (
        "label value",
        "nodes",
        {"name": "n", "labels": {"a": "-x"}},
        "a valid label must be an empty string or consist of",
    ),
    ("long label value", "nodes", {"name": "n", "labels": {"a": "x" * 64}}, "must be no more than 63 characters"),
    ("label key", "nodes", {"name": "n", "labels": {"a b": "x"}}, "name part must consist of"),
    ("label prefix", "nodes", {"name": "n", "labels": {"A_/b": "x"}}, "prefix part a lowercase RFC 1123 subdomain"),
    ("label that is no string", "nodes", {"name": "n", "labels": {"a": 1}}, "must be a string"),
    ("annotation key", "nodes", {"name": "n", "annotations": {"a b": "x"}}, "metadata.annotations: Invalid value"),
]

SCHEMA: schema.Schema = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "minimum": 1, "maximum": 9},
                "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
                "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 3},
                "port": {"x-kubernetes-int-or-string": True},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "tags": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                "map": {"type": "object", "additionalProperties": {"type": "integer"}},
                "maybe": {"type": "string", "nullable": True},
            },
        }
    },
}

SPECS: list[tuple[dict[str, Any], list[str]]] = [
    ({"size": 5}, []),
    ({}, ["spec.size"]),
    ({"size": 10}, ["spec.size"]),
    ({"size": 0}, ["spec.size"]),
    ({"size": "5"}, ["spec.size"]),
    ({"size": True}, ["spec.size"]),
    ({"size": 1, "mode": "c"}, ["spec.mode"]),
    ({"size": 1, "name": "A"}, ["spec.name"]),
    ({"size": 1, "name": "abcd"}, ["spec.name"]),
    ({"size": 1, "port": "http"}, []),
    ({"size": 1, "port": []}, ["spec.port"]),
    ({"size": 1, "tags": []}, ["spec.tags"]),
    ({"size": 1, "tags": ["a", 1]}, ["spec.tags[1]"]),
    ({"size": 1, "map": {"a": "x"}}, ["spec.map.a"]),
    ({"size": 1, "maybe": None}, []),
    ({"size": 1, "mode": None}, ["spec.mode"]),
    ({"size": 0, "mode": "c", "name": "A"}, ["spec.mode", "spec.name", "spec.size"]),
]


@pytest.mark.parametrize(("name", "key", "metadata", "message"), BAD, ids=[row[0] for row in BAD])
def test_validate_refuses_bad_metadata(name: str, key: str, metadata: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid) as refusal:
        validate(REGISTRY.by_key(key), {"metadata": metadata}, None)
    assert refusal.value.code == 422
    assert message in refusal.value.message


def test_validate_names_every_fault_at_once() -> None:
    taints = [
        {"key": "a", "effect": "Sometimes"},
        {"key": "b", "effect": "NoSchedule"},
        {"key": "b", "effect": "NoSchedule"},
    ]
    node = {"metadata": {"name": "N", "labels": {"x": "-"}}, "spec": {"taints": taints}}
    with pytest.raises(Invalid) as refusal:
        validate(REGISTRY.by_key("nodes"), node, None)
    fields = [cause["field"] for cause in (refusal.value.details or {})["causes"]]
    assert fields == ["metadata.name", "metadata.labels", "spec.taints[0].effect", "spec.taints[2]"]


def test_validate_accepts_an_rbac_name_with_colons() -> None:
    validate(REGISTRY.by_key("clusterroles.rbac.authorization.k8s.io"), {"metadata": {"name": "system:node:x"}}, None)


@pytest.mark.parametrize("change", [{"data": {"a": "2"}}, {"immutable": False}])
def test_validate_keeps_immutable_secrets_as_they_are(change: dict[str, Any]) -> None:
    old = {"metadata": {"name": "s"}, "type": "Opaque", "immutable": True, "data": {"a": "1"}}
    with pytest.raises(Invalid, match="field is immutable when"):
        validate(REGISTRY.by_key("secrets"), {**old, **change}, old)


def test_validate_forbids_changing_a_storage_class() -> None:
    old = {"metadata": {"name": "s"}, "provisioner": "p", "parameters": {"a": "1"}}
    with pytest.raises(Invalid, match=r"parameters: Forbidden: updates to parameters are forbidden\."):
        validate(REGISTRY.by_key("storageclasses.storage.k8s.io"), {**old, "parameters": {"a": "2"}}, old)


@pytest.mark.parametrize(("spec", "fields"), SPECS)
def test_schema_check(spec: dict[str, Any], fields: list[str]) -> None:
    assert sorted(field for field, _ in schema.check({"spec": spec}, SCHEMA)) == fields


def test_schema_prunes_unknown_fields_but_not_free_ones_nor_metadata() -> None:
    obj = {
        "kind": "W",
        "metadata": {"x": 1},
        "junk": 1,
        "spec": {"size": 1, "junk": 1, "free": {"any": 1}, "map": {"k": 1}},
    }
    schema.prune(obj, SCHEMA)
    assert obj == {"kind": "W", "metadata": {"x": 1}, "spec": {"size": 1, "free": {"any": 1}, "map": {"k": 1}}}


def test_schema_fills_in_defaults() -> None:
    obj: dict[str, Any] = {"spec": {"size": 1}}
    schema.default(obj, SCHEMA)
    assert obj["spec"]["mode"] == "a"
