# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server over TLS, driven by the Kubernetes Python client."""

from __future__ import annotations

import json
import ssl
import threading
import urllib.error
import urllib.request
from typing import Any

import kubernetes
import pytest
from kubernetes import config, dynamic, watch
from kubernetes.client.exceptions import ApiException

from lab.k3s_standin.api.errors import ApiError, Obj

# Its types ask for model objects, but it takes plain documents as well.
client: Any = kubernetes.client


def _schema(properties: Obj) -> Obj:
    return {"openAPIV3Schema": {"type": "object", "properties": properties}}


CRD: Obj = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.ex.io"},
    "spec": {
        "group": "ex.io",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets"},
        "versions": [
            {"name": "v1beta1", "served": True, "storage": False, "schema": _schema({})},
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": _schema(
                    {"spec": {"type": "object", "properties": {"size": {"type": "integer", "maximum": 9}}}}
                ),
            },
        ],
    },
}


def _raw(cluster: Any, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> tuple[int, Obj]:
    context = ssl.create_default_context(cafile=f"{cluster.folder}/ca.crt")
    request = urllib.request.Request(cluster.url + path, body, headers or {})
    try:
        with urllib.request.urlopen(request, context=context) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_nobody_gets_in_without_credentials(cluster: Any) -> None:
    code, status = _raw(cluster, "/api/v1/nodes")
    assert (code, status["kind"], status["reason"]) == (401, "Status", "Unauthorized")


def test_a_bearer_token_is_an_identity_too(cluster: Any) -> None:
    code, nodes = _raw(cluster, "/api/v1/nodes", {"Authorization": "Bearer letmein"})
    assert (code, nodes["kind"]) == (200, "NodeList")


def test_a_user_without_the_right_is_told_what_is_missing(cluster: Any) -> None:
    with config.new_client_from_config(cluster.kubeconfig("viewer")) as made:
        core = client.CoreV1Api(made)
        assert len(core.list_namespace().items) == 4
        with pytest.raises(ApiException) as refusal:
            core.list_namespaced_secret("default")
        review = client.AuthorizationV1Api(made).create_self_subject_access_review(
            {"spec": {"resourceAttributes": {"verb": "list", "resource": "secrets", "namespace": "default"}}}
        )
    assert refusal.value.status == 403
    message = (
        'secrets is forbidden: User "visitor" cannot list resource "secrets" in API group "" in the namespace "default"'
    )
    assert json.loads(str(refusal.value.body))["message"] == message
    assert review.status.allowed is False


def test_version_is_the_one_given(api: Any) -> None:
    assert client.VersionApi(api).get_code().git_version == "v1.32.5+k3s1"


def test_an_old_write_is_a_conflict(core: Any) -> None:
    made = core.create_namespaced_config_map("default", {"metadata": {"name": "c"}, "data": {"a": "1"}})
    core.replace_namespaced_config_map("c", "default", {"metadata": {"name": "c"}, "data": {"a": "2"}})
    made.data["a"] = "3"
    with pytest.raises(ApiException) as refusal:
        core.replace_namespaced_config_map("c", "default", made)
    assert refusal.value.status == 409
    assert core.read_namespaced_config_map("c", "default").data == {"a": "2"}


def test_a_write_that_changes_nothing_keeps_the_resource_version(core: Any) -> None:
    made = core.create_namespaced_config_map("default", {"metadata": {"name": "c"}, "data": {"a": "1"}})
    again = core.patch_namespaced_config_map("c", "default", {"data": {"a": "1"}})
    assert again.metadata.resource_version == made.metadata.resource_version


def test_dry_run_stores_nothing(core: Any) -> None:
    core.create_namespaced_config_map("default", {"metadata": {"name": "c"}}, dry_run="All")
    with pytest.raises(ApiException) as refusal:
        core.read_namespaced_config_map("c", "default")
    assert refusal.value.status == 404


def test_a_secret_is_completed_and_its_strings_encoded(core: Any) -> None:
    made = core.create_namespaced_secret("default", {"metadata": {"generateName": "s-"}, "stringData": {"a": "x"}})
    assert made.metadata.name.startswith("s-") and len(made.metadata.name) == 7
    assert (made.type, made.data, made.string_data) == ("Opaque", {"a": "eA=="}, None)


def test_an_immutable_secret_stays_as_it_is(core: Any) -> None:
    core.create_namespaced_secret("default", {"metadata": {"name": "s"}, "immutable": True, "data": {"a": "eA=="}})
    with pytest.raises(ApiException) as refusal:
        core.patch_namespaced_secret("s", "default", {"data": {"a": "eQ=="}})
    assert refusal.value.status == 422
    core.delete_namespaced_secret("s", "default")


def test_status_and_spec_are_written_apart(core: Any) -> None:
    core.create_node({"metadata": {"name": "n1"}})
    core.patch_node("n1", {"status": {"phase": "ignored"}, "spec": {"unschedulable": True}})
    core.patch_node_status("n1", {"status": {"capacity": {"cpu": "2"}}, "spec": {"unschedulable": False}})
    node = core.read_node("n1")
    assert (node.spec.unschedulable, node.status.capacity, node.status.phase) == (True, {"cpu": "2"}, None)


def test_lists_select_and_come_in_pages(core: Any) -> None:
    for number in range(5):
        labels = {"even": str(number % 2 == 0)}
        core.create_namespaced_config_map("default", {"metadata": {"name": f"c{number}", "labels": labels}})
    even = core.list_namespaced_config_map("default", label_selector="even=True")
    assert [item.metadata.name for item in even.items] == ["c0", "c2", "c4"]
    first = core.list_config_map_for_all_namespaces(limit=3)
    rest = core.list_config_map_for_all_namespaces(limit=3, _continue=first.metadata._continue)
    assert [item.metadata.name for item in [*first.items, *rest.items]] == [f"c{number}" for number in range(5)]
    assert (first.metadata.remaining_item_count, rest.metadata._continue) == (2, None)


def test_watch_reports_objects_entering_and_leaving_a_selection(core: Any) -> None:
    core.create_namespaced_config_map("default", {"metadata": {"name": "c", "labels": {"a": "1"}}})
    since = core.list_namespaced_config_map("default").metadata.resource_version
    core.patch_namespaced_config_map("c", "default", {"metadata": {"labels": {"a": "2"}}})
    core.patch_namespaced_config_map("c", "default", {"metadata": {"labels": {"a": "1"}}})
    core.delete_namespaced_config_map("c", "default")
    stream = watch.Watch().stream(
        core.list_namespaced_config_map, "default", label_selector="a=1", resource_version=since, timeout_seconds=1
    )
    assert [event["type"] for event in stream] == ["DELETED", "ADDED", "DELETED"]


def test_watch_follows_changes_as_they_happen(core: Any) -> None:
    seen = []
    started = threading.Event()

    def follow() -> None:
        stream = watch.Watch().stream(core.list_namespace, timeout_seconds=5)
        for event in stream:
            seen.append((event["type"], event["object"].metadata.name))
            started.set()
            if event["object"].metadata.name == "new":
                return

    thread = threading.Thread(target=follow)
    thread.start()
    assert started.wait(5)
    core.create_namespace({"metadata": {"name": "new"}})
    thread.join(5)
    assert seen[-1] == ("ADDED", "new") and len(seen) == 5


def test_watch_from_lost_history_isgone(cluster: Any) -> None:
    path = "/api/v1/namespaces?watch=1&resourceVersion=1000000"
    code, status = _raw(cluster, path, {"Authorization": "Bearer letmein"})
    assert (code, status["reason"]) == (410, "Expired")


def test_delete_with_the_wrong_uid_is_a_conflict(core: Any) -> None:
    core.create_namespaced_config_map("default", {"metadata": {"name": "c"}})
    with pytest.raises(ApiException) as refusal:
        core.delete_namespaced_config_map("c", "default", body={"preconditions": {"uid": "other"}})
    assert refusal.value.status == 409


def test_services_get_addresses_of_their_own(core: Any) -> None:
    def create(name: str, **spec: str) -> Any:
        return core.create_namespaced_service(
            "default", {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}}
        )

    assert core.read_namespaced_service("kubernetes", "default").spec.cluster_ip == "10.43.0.1"
    given = {create(name).spec.cluster_ip for name in ("a", "b")}
    assert len(given) == 2
    assert create("c", clusterIP="10.43.0.10").spec.cluster_ip == "10.43.0.10"
    with pytest.raises(ApiException, match="provided IP is already allocated"):
        create("d", clusterIP="10.43.0.10")
    assert core.patch_namespaced_service("a", "default", {"metadata": {"labels": {"x": "y"}}}).spec.cluster_ip in given


def test_a_custom_resource_lives_and_dies_with_its_definition(api: Any, cluster: Any) -> None:
    extensions, custom = client.ApiextensionsV1Api(api), client.CustomObjectsApi(api)
    extensions.create_custom_resource_definition(CRD)
    place = ("ex.io", "v1", "default", "widgets")
    body = {"apiVersion": "ex.io/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1, "junk": 1}}
    made = custom.create_namespaced_custom_object(*place, body)
    assert made["spec"] == {"size": 1} and made["metadata"]["generation"] == 1
    older = custom.get_namespaced_custom_object("ex.io", "v1beta1", "default", "widgets", "w")
    assert older["apiVersion"] == "ex.io/v1beta1"
    with pytest.raises(ApiException) as refusal:
        custom.patch_namespaced_custom_object(*place, "w", {"spec": {"size": 10}})
    assert refusal.value.status == 422
    changed = custom.patch_namespaced_custom_object(*place, "w", {"spec": {"size": 2}, "status": {"no": "effect"}})
    assert changed["metadata"]["generation"] == 2 and "status" not in changed
    extensions.delete_custom_resource_definition("widgets.ex.io")
    with pytest.raises(ApiException) as refusal:
        custom.list_namespaced_custom_object(*place)
    assert refusal.value.status == 404
    assert cluster.server.store.list("widgets.ex.io")[0] == []


def test_a_definition_that_makes_no_sense_is_refused_whole(api: Any) -> None:
    bad = {
        **CRD,
        "metadata": {"name": "wrong.ex.io"},
        "spec": {**CRD["spec"], "versions": [CRD["spec"]["versions"][0]]},
    }
    with pytest.raises(ApiException) as refusal:
        client.ApiextensionsV1Api(api).create_custom_resource_definition(bad)
    fields = [cause["field"] for cause in json.loads(str(refusal.value.body))["details"]["causes"]]
    assert fields == ["metadata.name", "spec.versions"]


def test_the_dynamic_client_finds_kinds_and_applies_on_the_server(api: Any) -> None:
    maps = dynamic.DynamicClient(api).resources.get(api_version="v1", kind="ConfigMap")
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}}
    maps.server_side_apply(body={**config_map, "data": {"a": "1"}}, name="c", namespace="default", field_manager="one")
    with pytest.raises(dynamic.exceptions.ConflictError, match="conflict with"):
        maps.server_side_apply(
            body={**config_map, "data": {"a": "2"}}, name="c", namespace="default", field_manager="two"
        )
    forced = maps.server_side_apply(
        body={**config_map, "data": {"a": "2"}},
        name="c",
        namespace="default",
        field_manager="two",
        force_conflicts=True,
    )
    assert forced.data.a == "2"


def test_objects_outlive_the_server(cluster: Any, core: Any) -> None:
    core.create_node({"metadata": {"name": "n1", "labels": {"a": "b"}}})
    assert cluster.server.store.get("nodes", None, "n1")["metadata"]["labels"] == {"a": "b"}


def test_the_in_process_client_takes_the_same_path(cluster: Any) -> None:
    inside = cluster.client
    with pytest.raises(ApiError, match="RFC 1123"):
        inside.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "Bad"}})
    inside.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "labels": {"a": "1"}}}, "one")
    inside.patch("nodes", "n", {"spec": {"unschedulable": True}}, kind="strategic")
    inside.change("nodes", "n", lambda node: {**node, "spec": {**node["spec"], "podCIDR": "10.42.0.0/24"}})
    assert inside.get("nodes", "n")["spec"] == {
        "unschedulable": True,
        "podCIDR": "10.42.0.0/24",
        "podCIDRs": ["10.42.0.0/24"],
    }
    inside.delete("nodes", "n")
    assert inside.find("nodes", "n") is None
