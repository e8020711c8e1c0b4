# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Structural schemas of custom resources: pruning, defaulting and validation on plain values."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from lab.k3s_standin.api.validation import Causes

Schema = dict[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def prune(value: Any, schema: Schema, root: bool = True) -> None:
    """Drop unknown fields, in place."""
    if isinstance(value, list):
        for item in value:
            prune(item, schema.get("items") or {}, False)
    if not isinstance(value, dict):
        return
    if schema.get("x-kubernetes-embedded-resource"):
        root = True
    properties = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    keep = schema.get("x-kubernetes-preserve-unknown-fields") or extra is True
    for name in list(value):
        if root and name in ("apiVersion", "kind", "metadata"):
            continue
        if name in properties:
            prune(value[name], properties[name], False)
        elif isinstance(extra, dict):
            prune(value[name], extra, False)
        elif not keep:
            del value[name]


def default(value: Any, schema: Schema) -> None:
    """Fill in the schema's defaults, in place."""
    if isinstance(value, dict):
        for name, child in (schema.get("properties") or {}).items():
            if name not in value and "default" in child:
                value[name] = copy.deepcopy(child["default"])
            if name in value:
                default(value[name], child)
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            for name in value.keys() - (schema.get("properties") or {}).keys():
                default(value[name], extra)
    elif isinstance(value, list):
        for item in value:
            default(item, schema.get("items") or {})


def check(value: Any, schema: Schema, path: str = "") -> Causes:
    """Every broken rule, as (field, message)."""
    if value is None and schema.get("nullable"):
        return []
    wrong = _type(value, schema, path)
    if wrong:
        return wrong
    causes = _enum(value, schema, path) + _combined(value, schema, path)
    if isinstance(value, str):
        causes += _string(value, schema, path)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        causes += _number(value, schema, path)
    elif isinstance(value, list):
        causes += _size(len(value), schema, path, "Items", "items")
        for index, item in enumerate(value):
            causes += check(item, schema.get("items") or {}, f"{path}[{index}]")
    elif isinstance(value, dict):
        causes += _object(value, schema, path)
    return causes


def _type(value: Any, schema: Schema, path: str) -> Causes:
    kind = schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        fits = isinstance(value, (int, str)) and not isinstance(value, bool)
        kind = "integer or string"
    elif kind not in _TYPES:
        return []
    else:
        fits = isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
    if fits:
        return []
    found = (
        "null" if value is None else next((name for name, types in _TYPES.items() if type(value) in types), "object")
    )
    found = "boolean" if isinstance(value, bool) else found
    return [(path or "<nil>", f'Invalid value: "{found}": {path} in body must be of type {kind}: "{found}"')]


def _enum(value: Any, schema: Schema, path: str) -> Causes:
    if "enum" not in schema or value in schema["enum"]:
        return []
    supported = ", ".join(json.dumps(item) for item in schema["enum"])
    return [(path, f"Unsupported value: {json.dumps(value)}: supported values: {supported}")]


def _combined(value: Any, schema: Schema, path: str) -> Causes:
    causes = [cause for part in schema.get("allOf") or [] for cause in check(value, part, path)]
    for word, wanted in (("anyOf", "at least one schema"), ("oneOf", "one and only one schema")):
        parts = schema.get(word)
        if not parts:
            continue
        fitting = sum(not check(value, part, path) for part in parts)
        if fitting == 0 or (word == "oneOf" and fitting > 1):
            causes.append((path, f'Invalid value: {json.dumps(value)}: "{path}" must validate {wanted} ({word})'))
    if schema.get("not") and not check(value, schema["not"], path):
        causes.append((path, f'Invalid value: {json.dumps(value)}: "{path}" must not validate the schema (not)'))
    return causes


def _string(value: str, schema: Schema, path: str) -> Causes:
    causes = _size(len(value), schema, path, "Length", "chars long")
    pattern = schema.get("pattern")
    if pattern and not re.search(pattern, value):
        causes.append((path, f"Invalid value: {json.dumps(value)}: {path} in body should match '{pattern}'"))
    return causes


def _number(value: float, schema: Schema, path: str) -> Causes:
    causes: Causes = []
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and (value < low or (schema.get("exclusiveMinimum") and value == low)):
        causes.append((path, f"Invalid value: {value}: {path} in body should be greater than or equal to {low}"))
    if high is not None and (value > high or (schema.get("exclusiveMaximum") and value == high)):
        causes.append((path, f"Invalid value: {value}: {path} in body should be less than or equal to {high}"))
    return causes


def _size(size: int, schema: Schema, path: str, word: str, unit: str) -> Causes:
    causes: Causes = []
    low, high = schema.get(f"min{word}"), schema.get(f"max{word}")
    if low is not None and size < low:
        causes.append((path, f"Invalid value: {size}: {path} in body should have at least {low} {unit}"))
    if high is not None and size > high:
        causes.append((path, f"Too long: may not be more than {high} {unit}"))
    return causes


def _object(value: dict[str, Any], schema: Schema, path: str) -> Causes:
    causes = _size(len(value), schema, path, "Properties", "properties")
    properties, extra = schema.get("properties") or {}, schema.get("additionalProperties")
    for name in schema.get("required") or []:
        if name not in value:
            causes.append((f"{path}.{name}".lstrip("."), "Required value"))
    for name, child in value.items():
        below = properties.get(name) or (extra if isinstance(extra, dict) else None)
        if below:
            causes += check(child, below, f"{path}.{name}".lstrip("."))
    return causes
