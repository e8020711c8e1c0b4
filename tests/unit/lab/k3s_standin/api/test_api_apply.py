# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from lab.k3s_standin.api.apply import entry, record_update, server_side_apply
from lab.k3s_standin.api.errors import ApiError
from lab.k3s_standin.api.shapes import builtin_shape, schema_shape

T = "2026-01-01T00:00:00Z"


def _apply(live: Any, config: Any, manager: str, force: bool = False, shape: Any = builtin_shape) -> Any:
    return server_side_apply(live, config, shape, entry(manager, "Apply", "v1", T), force)


def _config(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data}


def _owners(obj: Any) -> dict[str, Any]:
    return {item["manager"]: item["fieldsV1"] for item in obj["metadata"]["managedFields"]}


EMPTY: dict[str, Any] = {"metadata": {}}


def test_apply_records_what_it_set() -> None:
    done = _apply(EMPTY, _config(a="1"), "one")
    assert done["data"] == {"a": "1"}
    assert _owners(done) == {"one": {"f:data": {"f:a": {}}}}


def test_apply_removes_what_its_manager_no_longer_names() -> None:
    done = _apply(_apply(EMPTY, _config(a="1", b="2"), "one"), _config(b="2"), "one")
    assert done["data"] == {"b": "2"}


def test_apply_removes_containers_left_empty() -> None:
    done = _apply(_apply(EMPTY, _config(a="1"), "one"), {"metadata": {"name": "x"}}, "one")
    assert "data" not in done


def test_apply_keeps_what_another_manager_also_names() -> None:
    shared = _apply(_apply(EMPTY, _config(a="1"), "one"), _config(a="1"), "two")
    assert _apply(shared, _config(), "one")["data"] == {"a": "1"}


def test_apply_of_another_value_is_a_conflict_naming_the_manager() -> None:
    live = _apply(EMPTY, _config(a="1"), "one")
    with pytest.raises(ApiError) as refusal:
        _apply(live, _config(a="2"), "two")
    assert refusal.value.code == 409
    assert refusal.value.message == 'Apply failed with 1 conflict: conflict with "one" using v1: .data.a'
    assert refusal.value.details == {
        "causes": [{"reason": "FieldManagerConflict", "message": 'conflict with "one" using v1', "field": ".data.a"}]
    }


def test_apply_with_force_takes_the_field_over() -> None:
    done = _apply(_apply(EMPTY, _config(a="1", b="1"), "one"), _config(a="2"), "two", force=True)
    assert done["data"] == {"a": "2", "b": "1"}
    assert _owners(done) == {"one": {"f:data": {"f:b": {}}}, "two": {"f:data": {"f:a": {}}}}


def test_apply_again_changes_nothing() -> None:
    once = _apply(EMPTY, _config(a="1"), "one")
    later = server_side_apply(
        once, _config(a="1"), builtin_shape, entry("one", "Apply", "v1", "2027-01-01T00:00:00Z"), False
    )
    assert later == once


def test_apply_merges_containers_by_name_and_owns_items() -> None:
    def pod(*containers: Any) -> dict[str, Any]:
        return {"metadata": {"name": "p"}, "spec": {"containers": list(containers)}}

    live = _apply(EMPTY, pod({"name": "a", "image": "1"}), "one")
    both = _apply(live, pod({"name": "b", "image": "2"}), "two")
    assert [item["name"] for item in both["spec"]["containers"]] == ["a", "b"]
    item: dict[str, Any] = {".": {}, "f:image": {}, "f:name": {}}
    assert _owners(both)["two"] == {"f:spec": {"f:containers": {'k:{"name":"b"}': item}}}
    assert _apply(both, pod(), "two")["spec"]["containers"] == [{"name": "a", "image": "1"}]


def test_apply_defaults_the_protocol_in_the_key_of_a_port() -> None:
    config = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    done = _apply(EMPTY, config, "one")
    assert list(_owners(done)["one"]["f:spec"]["f:ports"]) == ['k:{"port":80,"protocol":"TCP"}']


def test_apply_treats_taints_as_one_value() -> None:
    def node(key: str) -> dict[str, Any]:
        return {"metadata": {"name": "n"}, "spec": {"taints": [{"key": key, "effect": "NoSchedule"}]}}

    with pytest.raises(ApiError, match=r"\.spec\.taints"):
        _apply(_apply(EMPTY, node("a"), "one"), node("b"), "two")


def test_apply_reads_list_types_from_a_custom_schema() -> None:
    parts = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"], "items": {}}
    shape = schema_shape({"properties": {"spec": {"properties": {"parts": parts, "tags": {"type": "array"}}}}})

    def widget(identity: str, tag: str) -> dict[str, Any]:
        return {"metadata": {"name": "w"}, "spec": {"parts": [{"id": identity}], "tags": [tag]}}

    live = _apply(EMPTY, widget("a", "x"), "one", shape=shape)
    done = _apply(live, widget("b", "y"), "two", force=True, shape=shape)
    assert done["spec"] == {"parts": [{"id": "a"}, {"id": "b"}], "tags": ["y"]}


def test_update_takes_ownership_of_changed_fields_only() -> None:
    live = _apply(EMPTY, _config(a="1", b="1"), "one")
    new = {**live, "data": {"a": "2", "b": "1", "c": "3"}}
    entries = record_update(live, new, builtin_shape, entry("editor", "Update", "v1", T))
    assert {item["manager"]: item["fieldsV1"] for item in entries} == {
        "one": {"f:data": {"f:b": {}}},
        "editor": {"f:data": {"f:a": {}, "f:c": {}}},
    }


def test_update_forgets_removed_fields() -> None:
    live = _apply(EMPTY, _config(a="1"), "one")
    entries = record_update(live, {**live, "data": {}}, builtin_shape, entry("editor", "Update", "v1", T))
    assert all("f:a" not in item["fieldsV1"].get("f:data", {}) for item in entries)
