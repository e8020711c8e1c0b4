# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from lab.k3s_standin.api import patch_json
from lab.k3s_standin.api.errors import ApiError

# Cases of RFC 7386, appendix A.
MERGE = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

# Cases of RFC 6902, appendix A.
JSON = [
    ("add member", {"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux"}, {"foo": "bar", "baz": "qux"}),
    ("add element", {"foo": ["a", "c"]}, {"op": "add", "path": "/foo/1", "value": "b"}, {"foo": ["a", "b", "c"]}),
    ("append", {"foo": ["a"]}, {"op": "add", "path": "/foo/-", "value": ["b"]}, {"foo": ["a", ["b"]]}),
    ("remove", {"baz": 1, "foo": 2}, {"op": "remove", "path": "/baz"}, {"foo": 2}),
    ("remove element", {"foo": [1, 2, 3]}, {"op": "remove", "path": "/foo/1"}, {"foo": [1, 3]}),
    ("replace", {"baz": 1}, {"op": "replace", "path": "/baz", "value": 2}, {"baz": 2}),
    ("move", {"a": {"x": 1}, "b": {}}, {"op": "move", "from": "/a/x", "path": "/b/y"}, {"a": {}, "b": {"y": 1}}),
    ("move element", {"l": [1, 2, 3]}, {"op": "move", "from": "/l/0", "path": "/l/2"}, {"l": [2, 3, 1]}),
    ("copy", {"a": [1]}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": [1], "b": [1]}),
    ("test", {"a/b": 1}, {"op": "test", "path": "/a~1b", "value": 1}, {"a/b": 1}),
    ("tilde", {"m~n": 8}, {"op": "replace", "path": "/m~0n", "value": 9}, {"m~n": 9}),
    ("whole", {"a": 1}, {"op": "replace", "path": "", "value": {"b": 2}}, {"b": 2}),
]

REFUSED = [
    ("absent parent", {"op": "add", "path": "/x/y", "value": 1}),
    ("absent target", {"op": "remove", "path": "/x"}),
    ("replace of nothing", {"op": "replace", "path": "/x", "value": 1}),
    ("index too high", {"op": "add", "path": "/list/9", "value": 1}),
    ("failed test", {"op": "test", "path": "/a", "value": 2}),
    ("relative path", {"op": "add", "path": "x", "value": 1}),
    ("unknown operation", {"op": "frob", "path": "/a"}),
]


@pytest.mark.parametrize(("target", "patch", "expected"), MERGE)
def test_merge_patch_follows_the_rfc(target: Any, patch: Any, expected: Any) -> None:
    assert patch_json.merge(target, patch) == expected


@pytest.mark.parametrize(("name", "document", "operation", "expected"), JSON, ids=[row[0] for row in JSON])
def test_json_patch_follows_the_rfc(name: str, document: Any, operation: dict[str, Any], expected: Any) -> None:
    before = repr(document)
    assert patch_json.apply(document, [operation]) == expected
    assert repr(document) == before


@pytest.mark.parametrize(("name", "operation"), REFUSED, ids=[row[0] for row in REFUSED])
def test_json_patch_refuses_what_cannot_be_done(name: str, operation: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refusal:
        patch_json.apply({"a": 1, "list": []}, [operation])
    assert refusal.value.code == 422
