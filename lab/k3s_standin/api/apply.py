# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-side apply and the bookkeeping of managedFields, on plain values."""

from __future__ import annotations

import copy
from typing import Any

from lab.k3s_standin.api.errors import ApiError, Obj
from lab.k3s_standin.api.fields import Fields, Path, changed, children, decode, display, encode, fields_of, item_key
from lab.k3s_standin.api.shapes import Names, Shape

Entry = dict[str, Any]


def server_side_apply(live: Obj, config: Obj, shape: Shape, manager: Entry, force: bool) -> Obj:
    """The object after `manager` (an entry without fields) applied `config`; a 409 naming the managers in the way."""
    wanted = fields_of(config, shape)
    entries: list[Entry] = live["metadata"].get("managedFields") or []
    own = [entry for entry in entries if _same(entry, manager)]
    others = [entry for entry in entries if not _same(entry, manager)]
    before = decode(own[0].get("fieldsV1") or {}) if own else frozenset()
    sets = [(entry, decode(entry.get("fieldsV1") or {})) for entry in others]

    merged = _merge(copy.deepcopy(live), config, (), shape)
    written, removed = changed(live, merged, shape)
    touched = written | removed
    conflicts = [(entry, fields & touched) for entry, fields in sets if fields & touched]
    if conflicts and not force:
        raise _conflict(conflicts)
    sets = [(entry, fields - touched) for entry, fields in sets]

    held: set[Path] = {
        path[:length]
        for fields in (wanted, *(f for _, f in sets))
        for path in fields
        for length in range(len(path) + 1)
    }
    # Short paths first: a list item goes whole, before its key fields, by which it is found, could go.
    for path in sorted(before - wanted, key=len):
        _drop(merged, list(path), (), shape, held, ())
    kept = [{**entry, "fieldsV1": encode(fields)} for entry, fields in sets if fields]
    mine = {**manager, "fieldsType": "FieldsV1", "fieldsV1": encode(wanted)}
    if own and before == wanted and not touched:
        mine["time"] = own[0].get("time", manager["time"])
    merged["metadata"]["managedFields"] = [*kept, mine]
    return merged


def record_update(old: Obj | None, new: Obj, shape: Shape, manager: Entry) -> list[Entry]:
    """managedFields after `manager` wrote `new` over `old` by other means than apply."""
    base = _without_fields(old or {"metadata": {}})
    written, removed = changed(base, _without_fields(new), shape)
    entries: list[Entry] = new["metadata"].get("managedFields") or []
    answer, found = [], False
    for entry in entries:
        fields = decode(entry.get("fieldsV1") or {})
        left = fields - written - removed
        if _same(entry, manager):
            found = True
            left = left | written
            if left and (written or removed & fields):
                entry = {**entry, "time": manager["time"]}
        if left:
            answer.append(entry if left == fields else {**entry, "fieldsV1": encode(left)})
    if written and not found:
        answer.append({**manager, "fieldsType": "FieldsV1", "fieldsV1": encode(written)})
    return answer


def entry(manager: str, operation: str, api_version: str, time: str, subresource: str | None = None) -> Entry:
    """A managedFields entry without its fields."""
    answer = {"manager": manager, "operation": operation, "apiVersion": api_version, "time": time}
    return {**answer, "subresource": subresource} if subresource else answer


def _without_fields(obj: Obj) -> Obj:
    return {**obj, "metadata": {name: value for name, value in obj["metadata"].items() if name != "managedFields"}}


def _same(one: Entry, other: Entry) -> bool:
    return all(one.get(name) == other.get(name) for name in ("manager", "operation", "subresource"))


def _merge(live: Any, config: Any, names: Names, shape: Shape) -> Any:
    if children(config, names, shape) is None:
        return copy.deepcopy(config)
    if isinstance(config, dict):
        answer = dict(live) if isinstance(live, dict) else {}
        for name, value in config.items():
            answer[name] = _merge(answer.get(name), value, (*names, name), shape)
        return answer
    kind = shape(names)
    items = list(live) if isinstance(live, list) else []
    if kind.list_type == "set":
        return items + [item for item in config if item not in items]
    places = {item_key(item, kind.keys): index for index, item in enumerate(items)}
    for item in config:
        place = places.get(item_key(item, kind.keys))
        if place is None:
            items.append(_merge({}, item, names, shape))
        else:
            items[place] = _merge(items[place], item, names, shape)
    return items


def _drop(value: Any, path: list[str], names: Names, shape: Shape, held: set[Path], prefix: Path) -> None:
    # Removes one field that its manager no longer applies, and the containers this leaves empty.
    element, rest = path[0], path[1:]
    here = (*prefix, element)
    parts = children(value, names, shape) or {}
    if element not in parts:
        return
    child, child_names = parts[element]
    if rest:
        _drop(child, rest, child_names, shape, held, here)
        if child or here in held or element.startswith("k:"):
            return
    elif here in held:
        return
    if isinstance(value, dict):
        del value[element[2:]]
    else:
        value.remove(child)


def _conflict(conflicts: list[tuple[Entry, Fields]]) -> ApiError:
    causes, parts, count = [], [], 0
    for owner, fields in conflicts:
        who = f'"{owner["manager"]}"'
        if owner.get("subresource"):
            who += f' with subresource "{owner["subresource"]}"'
        who += f" using {owner['apiVersion']}"
        paths = sorted(display(path) for path in fields)
        count += len(paths)
        causes += [
            {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path} for path in paths
        ]
        listed = "\n- ".join(["", *paths])
        parts.append(f"conflict with {who}: {paths[0]}" if len(paths) == 1 else f"conflicts with {who}:{listed}")
    noun = "conflict" if count == 1 else "conflicts"
    message = f"Apply failed with {count} {noun}: " + "\n".join(parts)
    return ApiError(409, "Conflict", message, {"causes": causes})
