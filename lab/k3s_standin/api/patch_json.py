# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON patch (RFC 6902) and merge patch (RFC 7386) on plain values."""

from __future__ import annotations

import copy
from typing import Any

from lab.k3s_standin.api.errors import ApiError


def merge(target: Any, patch: Any) -> Any:
    """Apply a merge patch; the target is left as it is."""
    if not isinstance(patch, dict):
        return patch
    answer = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            answer.pop(name, None)
        else:
            answer[name] = merge(answer.get(name), value)
    return answer


def apply(document: Any, operations: list[dict[str, Any]]) -> Any:
    """Apply a JSON patch; the document is left as it is."""
    answer = copy.deepcopy(document)
    for operation in operations:
        answer = _one(answer, operation)
    return answer


def _one(document: Any, operation: dict[str, Any]) -> Any:
    name, path = operation.get("op"), str(operation.get("path", ""))
    if name == "test":
        if _read(document, path) != operation.get("value"):
            raise _refused(f"testing value {path} failed: test failed")
        return document
    if name == "remove":
        return _remove(document, path)
    if name == "replace":
        _read(document, path)
        return _put(document, path, operation.get("value"), replace=True)
    if name == "add":
        return _put(document, path, operation.get("value"), replace=False)
    if name in ("move", "copy"):
        source = str(operation.get("from", ""))
        value = copy.deepcopy(_read(document, source))
        if name == "move":
            document = _remove(document, source)
        return _put(document, path, value, replace=False)
    raise _refused(f"Unexpected kind: {name}")


def _tokens(path: str) -> list[str]:
    if path == "":
        return []
    if not path.startswith("/"):
        raise _refused(f"the path {path} does not start with /")
    return [token.replace("~1", "/").replace("~0", "~") for token in path[1:].split("/")]


def _step(container: Any, token: str, path: str) -> Any:
    if isinstance(container, dict) and token in container:
        return container[token]
    if isinstance(container, list):
        return container[_index(token, len(container) - 1, path)]
    raise _missing(path)


def _read(document: Any, path: str) -> Any:
    for token in _tokens(path):
        document = _step(document, token, path)
    return document


def _parent(document: Any, path: str) -> tuple[Any, str]:
    *above, last = _tokens(path)
    for token in above:
        document = _step(document, token, path)
    return document, last


def _put(document: Any, path: str, value: Any, replace: bool) -> Any:
    if path == "":
        return value
    container, last = _parent(document, path)
    if isinstance(container, dict):
        container[last] = value
    elif isinstance(container, list) and replace:
        container[_index(last, len(container) - 1, path)] = value
    elif isinstance(container, list):
        container.insert(len(container) if last == "-" else _index(last, len(container), path), value)
    else:
        raise _missing(path)
    return document


def _remove(document: Any, path: str) -> Any:
    container, last = _parent(document, path)
    if isinstance(container, dict) and last in container:
        del container[last]
    elif isinstance(container, list):
        del container[_index(last, len(container) - 1, path)]
    else:
        raise _missing(path)
    return document


def _index(token: str, highest: int, path: str) -> int:
    if not token.isdigit() or int(token) > highest:
        raise _missing(path)
    return int(token)


def _missing(path: str) -> ApiError:
    return _refused(f"the server rejected our request due to an error in our request: {path} does not exist")


def _refused(message: str) -> ApiError:
    return ApiError(422, "Invalid", message)
