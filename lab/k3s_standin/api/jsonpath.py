# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of JSONPath that printer columns use: names, indexes, [*] and filters on equality."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_STEP = re.compile(
    r"\.(?P<name>(?:\\.|[^.\[\\])+)"
    r"|\[(?P<index>-?\d+)\]"
    r"|\[(?P<all>\*)\]"
    r"|\[['\"](?P<quoted>[^'\"]+)['\"]\]"
    r"|\[\?\(@\.(?P<field>[^=<>! )]+)\s*==\s*(?P<value>'[^']*'|\"[^\"]*\"|[^)]+)\)\]"
)


def find(document: Any, path: str) -> list[Any]:
    """All values at the path; empty when there are none or the path cannot be read."""
    path = path.strip("{}")
    path = path if path.startswith((".", "[")) else f".{path}"
    found, position = [document], 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            return []
        found = [value for item in found for value in _step(item, match)]
        position = match.end()
    return found


def first(document: Any, path: str) -> Any:
    """The first value at the path, None when there is none."""
    values = find(document, path)
    return values[0] if values else None


def _step(item: Any, match: re.Match[str]) -> Iterator[Any]:
    name = match["name"] or match["quoted"]
    if name is not None:
        name = name.replace("\\.", ".")
        if name == "*":
            yield from item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        elif isinstance(item, dict) and name in item:
            yield item[name]
    elif isinstance(item, list):
        if match["all"]:
            yield from item
        elif match["index"] is not None:
            index = int(match["index"])
            if -len(item) <= index < len(item):
                yield item[index]
        else:
            wanted = _literal(match["value"])
            yield from (part for part in item if isinstance(part, dict) and first(part, match["field"]) == wanted)


def _literal(text: str) -> Any:
    if text[0] in "'\"":
        return text[1:-1]
    try:
        return json.loads(text)
    except ValueError:
        return text
