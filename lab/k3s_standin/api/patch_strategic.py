# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strategic merge patch on plain values: merge patch that merges lists by key and knows $ directives."""

from __future__ import annotations

from typing import Any

from lab.k3s_standin.api.errors import bad_request
from lab.k3s_standin.api.shapes import Names, Shape

_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


def apply(original: Any, patch: dict[str, Any], shape: Shape, names: Names = ()) -> dict[str, Any]:
    """Apply a patch to a map; the original is left as it is."""
    if patch.get("$patch") == "replace":
        return {name: value for name, value in patch.items() if name != "$patch"}
    answer = dict(original) if isinstance(original, dict) else {}
    if "$retainKeys" in patch:
        kept = set(patch["$retainKeys"])
        answer = {name: value for name, value in answer.items() if name in kept}
    for name, value in patch.items():
        if name.startswith("$"):
            continue
        if value is None or (isinstance(value, dict) and value.get("$patch") == "delete"):
            answer.pop(name, None)
        elif isinstance(value, dict):
            answer[name] = apply(answer.get(name), value, shape, (*names, name))
        elif isinstance(value, list):
            answer[name] = _list(answer.get(name) or [], value, shape, (*names, name))
        else:
            answer[name] = value
    _directives(answer, patch, shape, names)
    return answer


def _list(original: list[Any], patch: list[Any], shape: Shape, names: Names) -> list[Any]:
    kind = shape(names)
    plain = [item for item in patch if not (isinstance(item, dict) and "$patch" in item)]
    replaced = any(isinstance(item, dict) and item == {"$patch": "replace"} for item in patch)
    if replaced or not kind.merge_key:
        return [apply({}, item, shape, names) if isinstance(item, dict) else item for item in plain]
    if kind.merge_key == "=":
        return original + [item for item in patch if item not in original]
    return _keyed(original, patch, kind.merge_key, shape, names)


def _keyed(original: list[Any], patch: list[Any], key: str, shape: Shape, names: Names) -> list[Any]:
    answer = list(original)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        places = [index for index, found in enumerate(answer) if found.get(key) == item[key]]
        if item.get("$patch") == "delete":
            answer = [found for found in answer if found.get(key) != item[key]]
        elif places:
            answer[places[0]] = apply(answer[places[0]], item, shape, names)
        else:
            answer.append(apply({}, item, shape, names))
    return answer


def _directives(answer: dict[str, Any], patch: dict[str, Any], shape: Shape, names: Names) -> None:
    for directive, value in patch.items():
        if directive.startswith(_DELETE):
            name = directive[len(_DELETE) :]
            answer[name] = [item for item in answer.get(name) or [] if item not in value]
    for directive, value in patch.items():
        if directive.startswith(_ORDER):
            name = directive[len(_ORDER) :]
            if name in answer:
                answer[name] = _ordered(answer[name], value, shape((*names, name)).merge_key)


def _ordered(items: list[Any], wanted: list[Any], key: str) -> list[Any]:
    def mark(item: Any) -> Any:
        return item.get(key) if isinstance(item, dict) else item

    places = {repr(mark(item)): index for index, item in enumerate(wanted)}
    return sorted(items, key=lambda item: places.get(repr(mark(item)), len(places)))
