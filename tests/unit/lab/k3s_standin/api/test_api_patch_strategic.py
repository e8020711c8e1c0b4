# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from lab.k3s_standin.api.errors import ApiError
from lab.k3s_standin.api.patch_strategic import apply
from lab.k3s_standin.api.shapes import builtin_shape

A, B, C = ({"name": name, "image": name} for name in "abc")


def _pod(*containers: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers)}}


CASES: list[tuple[str, Any, Any, Any]] = [
    ("merges a container by name", _pod(A, B), _pod({"name": "b", "image": "x"}), _pod(A, {"name": "b", "image": "x"})),
    ("appends an unknown container", _pod(A), _pod(C), _pod(A, C)),
    ("deletes by directive", _pod(A, B), _pod({"name": "a", "$patch": "delete"}), _pod(B)),
    ("deletes a field by null", {"a": 1, "b": 2}, {"a": None}, {"b": 2}),
    ("replaces a map by directive", {"spec": {"a": 1}}, {"spec": {"$patch": "replace", "b": 2}}, {"spec": {"b": 2}}),
    ("deletes a map by directive", {"spec": {"a": 1}, "x": 1}, {"spec": {"$patch": "delete"}}, {"x": 1}),
    ("replaces a keyed list by directive", _pod(A, B), _pod({"$patch": "replace"}, C), _pod(C)),
    (
        "orders by setElementOrder",
        _pod(A, B),
        {"spec": {"$setElementOrder/containers": [{"name": "c"}, {"name": "b"}, {"name": "a"}], "containers": [C]}},
        _pod(C, B, A),
    ),
    (
        "unites sets of primitives",
        {"metadata": {"finalizers": ["a"]}},
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"finalizers": ["a", "b"]}},
    ),
    (
        "removes from sets of primitives",
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
        {"metadata": {"finalizers": ["b"]}},
    ),
    (
        "keeps only retained keys",
        {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}},
        {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}},
        {"strategy": {"type": "Recreate"}},
    ),
    (
        "replaces taints, which are atomic",
        {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}},
        {"spec": {"taints": [{"key": "b", "effect": "NoExecute"}]}},
        {"spec": {"taints": [{"key": "b", "effect": "NoExecute"}]}},
    ),
    (
        "merges conditions by type",
        {"status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Disk", "status": "False"}]}},
        {"status": {"conditions": [{"type": "Ready", "status": "False"}]}},
        {"status": {"conditions": [{"type": "Ready", "status": "False"}, {"type": "Disk", "status": "False"}]}},
    ),
    (
        "merges node addresses by type",
        {"status": {"addresses": [{"type": "InternalIP", "address": "1"}]}},
        {"status": {"addresses": [{"type": "Hostname", "address": "n"}]}},
        {"status": {"addresses": [{"type": "InternalIP", "address": "1"}, {"type": "Hostname", "address": "n"}]}},
    ),
    (
        "keys service ports by port and container ports by containerPort",
        {
            "spec": {
                "ports": [{"port": 80, "name": "a"}],
                "containers": [{"name": "a", "ports": [{"containerPort": 1}]}],
            }
        },
        {
            "spec": {
                "ports": [{"port": 80, "name": "b"}],
                "containers": [{"name": "a", "ports": [{"containerPort": 2}]}],
            }
        },
        {
            "spec": {
                "ports": [{"port": 80, "name": "b"}],
                "containers": [{"name": "a", "ports": [{"containerPort": 1}, {"containerPort": 2}]}],
            }
        },
    ),
    (
        "strips directives from new parts",
        {},
        {"spec": {"x": {"$retainKeys": ["a"], "a": 1, "b": None}}},
        {"spec": {"x": {"a": 1}}},
    ),
]


@pytest.mark.parametrize(("name", "original", "patch", "expected"), CASES, ids=[row[0] for row in CASES])
def test_strategic_merge(name: str, original: Any, patch: Any, expected: Any) -> None:
    before = repr(original)
    assert apply(original, patch, builtin_shape) == expected
    assert repr(original) == before


def test_strategic_merge_refuses_an_item_without_its_key() -> None:
    with pytest.raises(ApiError, match="does not contain declared merge key: name"):
        apply(_pod(A), _pod({"image": "x"}), builtin_shape)
