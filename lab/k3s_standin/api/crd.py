# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CustomResourceDefinitions: completing and checking them, and the resource each one makes."""

from __future__ import annotations

from typing import Any

from lab.k3s_standin.api.errors import Invalid, Obj
from lab.k3s_standin.api.resources import Column, Resource

CRD_KEY = "customresourcedefinitions.apiextensions.k8s.io"
_AGE = (Column("Age", ".metadata.creationTimestamp", "date"),)


def complete(crd: Obj, old: Obj | None, now: str) -> None:
    """Check a definition, and fill in defaults and the status its controller would set, in place."""
    spec = crd.get("spec") or {}
    _check(crd, spec)
    names = spec["names"]
    names.setdefault("singular", names["kind"].lower())
    names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})
    stored = next(version["name"] for version in spec["versions"] if version.get("storage"))
    before = (old or {}).get("status") or {}
    versions = list(before.get("storedVersions") or [])
    crd["status"] = {
        "acceptedNames": dict(names),
        "conditions": before.get("conditions")
        or [
            _condition("NamesAccepted", "NoConflicts", "no conflicts found", now),
            _condition("Established", "InitialNamesAccepted", "the initial names have been accepted", now),
        ],
        "storedVersions": versions if stored in versions else [*versions, stored],
    }


def resource_of(crd: Obj) -> Resource:
    """The resource a complete definition makes."""
    spec, names = crd["spec"], crd["spec"]["names"]
    served = sorted((version for version in spec["versions"] if version.get("served", True)), key=_priority)
    storage = next(version for version in spec["versions"] if version.get("storage"))
    subresources = storage.get("subresources") or {}
    return Resource(
        group=spec["group"],
        versions=tuple(version["name"] for version in served),
        kind=names["kind"],
        plural=names["plural"],
        singular=names["singular"],
        short_names=tuple(names.get("shortNames") or ()),
        namespaced=spec["scope"] == "Namespaced",
        subresources=tuple(name for name in ("status", "scale") if name in subresources),
        categories=tuple(names.get("categories") or ()),
        storage=storage["name"],
        list_kind_name=names["listKind"],
        schemas={
            version["name"]: (version.get("schema") or {}).get("openAPIV3Schema") or {} for version in spec["versions"]
        },
        version_columns={version["name"]: _columns(version) for version in served},
        custom=True,
        scale=subresources.get("scale") or {},
    )


def _check(crd: Obj, spec: Obj) -> None:
    names, name = spec.get("names") or {}, crd["metadata"]["name"]
    causes = [(f"spec.{field}", "Required value") for field in ("group", "scope") if not spec.get(field)]
    causes += [(f"spec.names.{field}", "Required value") for field in ("kind", "plural") if not names.get(field)]
    wanted = f"{names.get('plural')}.{spec.get('group')}"
    if not causes and name != wanted:
        causes.append(("metadata.name", f'Invalid value: "{name}": must be spec.names.plural+"."+spec.group'))
    versions = spec.get("versions") or []
    if sum(bool(version.get("storage")) for version in versions) != 1:
        causes.append(("spec.versions", "Invalid value: must have exactly one version marked as storage version"))
    for index, version in enumerate(versions):
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            causes.append((f"spec.versions[{index}].schema.openAPIV3Schema", "Required value: schemas are required"))
    if causes:
        raise Invalid("CustomResourceDefinition", "apiextensions.k8s.io", name, causes)


def _columns(version: Obj) -> tuple[Column, ...]:
    listed = version.get("additionalPrinterColumns")
    if not listed:
        return _AGE
    return tuple(
        Column(
            column["name"],
            column["jsonPath"],
            column.get("type", "string"),
            int(column.get("priority", 0)),
            column.get("format", ""),
            column.get("description", ""),
        )
        for column in listed
    )


def _priority(version: Obj) -> tuple[Any, ...]:
    # KEP of version priority: GA before beta before alpha, higher numbers first, anything else last by name.
    name = version["name"]
    body = name[1:] if name.startswith("v") else ""
    for rank, word in ((1, "beta"), (2, "alpha"), (0, "")):
        major, found, minor = body.partition(word) if word else (body, "", "0")
        if major.isdigit() and ((minor.isdigit() and found) or not word):
            return (rank, -int(major), -int(minor), name)
    return (3, 0, 0, name)


def _condition(kind: str, reason: str, message: str, now: str) -> Obj:
    return {"type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message}
