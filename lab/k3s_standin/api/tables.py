# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as meta.k8s.io/v1 tables, which is what kubectl get prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.k3s_standin.api import printers, printers_workload
from lab.k3s_standin.api.errors import Obj
from lab.k3s_standin.api.jsonpath import find
from lab.k3s_standin.api.resources import AGE, Column, Resource, read_columns

_NAME = Column("Name", ".metadata.name", "string", 0, "name", "Name must be unique within a namespace.")
# Events show what happened; their generated names come last, in wide output.
_LAST_NAME = Column("Name", ".metadata.name", "string", 1, "name")
_GENERIC = read_columns(AGE)


def columns_of(resource: Resource, version: str) -> list[Column]:
    """The columns of a resource, Name included."""
    columns = resource.version_columns.get(version) or resource.columns or _GENERIC
    return [*columns, _LAST_NAME] if resource.plural == "events" and not resource.custom else [_NAME, *columns]


def table(
    resource: Resource, version: str, objects: list[Obj], metadata: Obj, include: str, headers: bool = True
) -> Obj:
    """A table of objects; include is None, Metadata (default) or Object."""
    columns = columns_of(resource, version)
    definitions = [
        {
            "name": column.name,
            "type": column.type,
            "format": column.format,
            "description": column.description or column.name,
            "priority": column.priority,
        }
        for column in columns
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions if headers else None,
        "rows": [_row(columns, obj, include) for obj in objects],
    }


def partial(obj: Obj) -> Obj:
    """The metadata of an object alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _row(columns: list[Column], obj: Obj, include: str) -> Obj:
    row: Obj = {"cells": [_cell(column, obj) for column in columns]}
    if include == "Object":
        row["object"] = obj
    elif include != "None":
        row["object"] = partial(obj)
    return row


def _cell(column: Column, obj: Obj) -> Any:
    if column.source.startswith("@"):
        return _printer(column.source[1:])(obj)
    values = find(obj, column.source)
    if not values:
        return None
    value = values[0] if len(values) == 1 else ",".join(str(item) for item in values)
    if column.type == "date":
        return printers.since(value)
    if column.type == "string" and not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


def _printer(name: str) -> Callable[[Obj], Any]:
    found: Callable[[Obj], Any] | None = getattr(printers, name, None) or getattr(printers_workload, name, None)
    if found is None:
        raise LookupError(f"no printer is named {name}")
    return found
