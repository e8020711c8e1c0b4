# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of field paths as server-side apply knows them, and their fieldsV1 form in managedFields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lab.k3s_standin.api.shapes import KEY_DEFAULTS, Names, Shape

# Elements are "f:NAME", 'k:{"name":"x"}' or 'v:"x"', as in fieldsV1.
Path = tuple[str, ...]
Fields = frozenset[Path]
_Children = dict[str, tuple[Any, Names]]

# Set by the server or identifying the object: nobody manages them.
_UNMANAGED = frozenset(
    [("f:apiVersion",), ("f:kind",), ("f:metadata",)]
    + [
        ("f:metadata", f"f:{name}")
        for name in (
            "name namespace generateName uid creationTimestamp resourceVersion generation managedFields selfLink"
            " deletionTimestamp deletionGracePeriodSeconds"
        ).split()
    ]
)


def children(value: Any, names: Names, shape: Shape) -> _Children | None:
    """The separately managed parts of a value; None for a leaf."""
    if isinstance(value, dict):
        if shape(names).atomic_map:
            return None
        return {f"f:{name}": (child, (*names, name)) for name, child in value.items()}
    if not isinstance(value, list):
        return None
    kind = shape(names)
    if kind.list_type == "set":
        return {"v:" + _json(item): (item, names) for item in value}
    if kind.list_type == "map" and all(isinstance(item, dict) for item in value):
        return {item_key(item, kind.keys): (item, names) for item in value}
    return None


def item_key(item: dict[str, Any], keys: tuple[str, ...]) -> str:
    """The path element of a list-map item."""
    return "k:" + _json({key: item.get(key, KEY_DEFAULTS.get(key)) for key in sorted(keys)})


def fields_of(value: Any, shape: Shape) -> Fields:
    """All fields an applied configuration names."""
    return frozenset(_leaves(value, (), shape, ())) - _UNMANAGED


def _leaves(value: Any, names: Names, shape: Shape, prefix: Path) -> Iterator[Path]:
    parts = children(value, names, shape)
    if not parts:
        yield prefix
        return
    for element, (child, child_names) in parts.items():
        path = (*prefix, element)
        if element.startswith("k:"):
            yield path
        if element.startswith("v:"):
            yield path
        else:
            yield from _leaves(child, child_names, shape, path)


def changed(old: Any, new: Any, shape: Shape) -> tuple[Fields, Fields]:
    """(fields written, fields removed) between two states."""
    written: set[Path] = set()
    removed: set[Path] = set()
    _compare(old, new, (), shape, (), written, removed)
    return frozenset(written) - _UNMANAGED, frozenset(removed) - _UNMANAGED


def _compare(
    old: Any, new: Any, names: Names, shape: Shape, prefix: Path, written: set[Path], removed: set[Path]
) -> None:
    if old == new:
        return
    before, after = children(old, names, shape), children(new, names, shape)
    if before is None or after is None:
        written.update(_leaves(new, names, shape, prefix))
        if before:
            removed.update(_leaves(old, names, shape, prefix))
        return
    for element, (child, child_names) in after.items():
        path = (*prefix, element)
        if element in before:
            _compare(before[element][0], child, child_names, shape, path, written, removed)
        else:
            if element.startswith("k:"):
                written.add(path)
            written.update([path] if element.startswith("v:") else _leaves(child, child_names, shape, path))
    for element in before.keys() - after.keys():
        child, child_names = before[element]
        removed.add((*prefix, element))
        removed.update(_leaves(child, child_names, shape, (*prefix, element)))


def encode(fields: Fields) -> dict[str, Any]:
    """The fieldsV1 document of a set."""
    root: dict[str, Any] = {}
    inner = {path[:length] for path in fields for length in range(1, len(path))}
    for path in sorted(fields):
        node = root
        for element in path:
            node = node.setdefault(element, {})
        if path in inner:
            node["."] = {}
    return root


def decode(document: dict[str, Any]) -> Fields:
    """The set of a fieldsV1 document."""
    return frozenset(_decode(document, ()))


def _decode(node: dict[str, Any], prefix: Path) -> Iterator[Path]:
    for element, child in node.items():
        if element == ".":
            yield prefix
        elif child:
            yield from _decode(child, (*prefix, element))
        else:
            yield (*prefix, element)


def display(path: Path) -> str:
    """A path as messages show it: .spec.containers[name="x"].image."""
    text = ""
    for element in path:
        kind, _, rest = element.partition(":")
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            text += "[" + ",".join(f"{key}={_json(value)}" for key, value in json.loads(rest).items()) + "]"
        else:
            text += f"[={rest}]"
    return text


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
