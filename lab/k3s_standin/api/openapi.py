# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenAPI documents: real schemas for custom resources, open ones for built-in kinds.

Paths name fieldValidation, so clients leave validation to the server, and do not name the strategic merge patch
format, so kubectl merges built-in kinds by its compiled-in types.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from lab.k3s_standin.api.errors import Obj
from lab.k3s_standin.api.registry import Registry
from lab.k3s_standin.api.resources import Resource

PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_META_SCHEMA: Obj = {
    "type": "object",
    "description": "ObjectMeta is metadata that all persisted resources must have.",
    "properties": {
        "name": {"type": "string", "description": "Name must be unique within a namespace."},
        "namespace": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "string", "default": ""}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string", "default": ""}},
        "finalizers": {"type": "array", "items": {"type": "string"}, "x-kubernetes-patch-strategy": "merge"},
        "ownerReferences": {
            "type": "array",
            "items": {"type": "object"},
            "x-kubernetes-patch-merge-key": "uid",
            "x-kubernetes-patch-strategy": "merge",
        },
        "resourceVersion": {"type": "string"},
        "uid": {"type": "string"},
        "generation": {"type": "integer", "format": "int64"},
        "creationTimestamp": {"type": "string", "format": "date-time"},
        "deletionTimestamp": {"type": "string", "format": "date-time"},
    },
}


def index(registry: Registry) -> Obj:
    """GET /openapi/v3."""
    paths = {}
    for group, versions in registry.groups().items():
        for version in versions:
            name = _path(group, version)
            mark = hashlib.sha256(json.dumps([registry.generation, name]).encode()).hexdigest()[:32].upper()
            paths[name] = {"serverRelativeURL": f"/openapi/v3/{name}?hash={mark}"}
    return {"paths": paths}


def document(registry: Registry, group: str, version: str) -> Obj | None:
    """GET /openapi/v3/apis/GROUP/VERSION, None when it is not served."""
    if version not in registry.groups().get(group, []):
        return None
    paths: Obj = {}
    schemas: Obj = {_META: _META_SCHEMA}
    for resource in registry.all():
        if resource.group == group and version in resource.versions:
            schemas[_schema_name(resource, version)] = _schema(resource, version)
            paths[_url(resource, version)] = _operations(resource, version)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def v2_json() -> Obj:
    """GET /openapi/v2 as JSON: an empty, valid document; v3 has the content."""
    return {"swagger": "2.0", "info": {"title": "Kubernetes", "version": "unversioned"}, "paths": {}, "definitions": {}}


def v2_protobuf() -> bytes:
    """The same document in gnostic's openapi.v2.Document encoding."""
    # Document: swagger = 1, info = 2, paths = 8; Info: title = 1, version = 2.
    info = _field(1, b"Kubernetes") + _field(2, b"unversioned")
    return _field(1, b"2.0") + _field(2, info) + _field(8, b"")


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, len(content)]) + content


def _path(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _url(resource: Resource, version: str) -> str:
    scope = "namespaces/{namespace}/" if resource.namespaced else ""
    return f"/{_path(resource.group, version)}/{scope}{resource.plural}/{{name}}"


def _schema_name(resource: Resource, version: str) -> str:
    if resource.custom or "." in resource.group:
        return ".".join([*reversed(resource.group.split(".")), version, resource.kind])
    return f"io.k8s.api.{resource.group or 'core'}.{version}.{resource.kind}"


def _kind(resource: Resource, version: str) -> Obj:
    return {"group": resource.group, "version": version, "kind": resource.kind}


def _schema(resource: Resource, version: str) -> Obj:
    own: dict[str, Any] = dict(resource.schemas.get(version) or {"x-kubernetes-preserve-unknown-fields": True})
    text = {"type": "string"}
    reference = {"allOf": [{"$ref": f"#/components/schemas/{_META}"}], "default": {}}
    own["type"] = "object"
    own["properties"] = {**(own.get("properties") or {}), "apiVersion": text, "kind": text, "metadata": reference}
    own["x-kubernetes-group-version-kind"] = [_kind(resource, version)]
    own.setdefault("description", f"{resource.kind} in version {version} of the group {resource.group or 'core'}.")
    return own


def _operations(resource: Resource, version: str) -> Obj:
    options = [
        {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        for name in ("dryRun", "fieldManager", "fieldValidation")
    ]
    body = {"content": {"application/apply-patch+yaml": {"schema": {"type": "object"}}}}
    answer = {"200": {"description": "OK"}}
    marks: Obj = {"x-kubernetes-group-version-kind": _kind(resource, version)}
    return {
        "get": {"responses": answer, "x-kubernetes-action": "get", **marks},
        "put": {"parameters": options, "responses": answer, "x-kubernetes-action": "put", **marks},
        "patch": {
            "parameters": options,
            "requestBody": body,
            "responses": answer,
            "x-kubernetes-action": "patch",
            **marks,
        },
    }
