# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from lab.k3s_standin.api import crd, discovery, openapi
from lab.k3s_standin.api.errors import Invalid, Obj
from lab.k3s_standin.api.registry import Registry


def _definition(*versions: str) -> Obj:
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object"}}}}
    return {
        "metadata": {"name": "widgets.ex.io"},
        "spec": {
            "group": "ex.io",
            "scope": "Cluster",
            "names": {"kind": "Widget", "plural": "widgets", "shortNames": ["wd"]},
            "versions": [
                {"name": name, "served": True, "storage": name == versions[-1], "schema": schema} for name in versions
            ],
        },
    }


def _complete(*versions: str) -> Obj:
    definition = _definition(*versions)
    crd.complete(definition, None, "2026-01-01T00:00:00Z")
    return definition


def test_a_complete_definition_is_established_with_its_names() -> None:
    definition = _complete("v1")
    names, status = definition["spec"]["names"], definition["status"]
    assert (names["singular"], names["listKind"]) == ("widget", "WidgetList")
    assert {item["type"]: item["status"] for item in status["conditions"]} == {
        "NamesAccepted": "True",
        "Established": "True",
    }
    assert status["storedVersions"] == ["v1"]


def test_stored_versions_are_remembered_when_storage_moves() -> None:
    newer = _definition("v1", "v2")
    crd.complete(newer, _complete("v1"), "2026-01-02T00:00:00Z")
    assert newer["status"]["storedVersions"] == ["v1", "v2"]


def test_versions_are_ordered_by_stability_then_number() -> None:
    versions = ["v1alpha1", "v2", "v1beta2", "foo", "v11", "v1beta10", "v1"]
    resource = crd.resource_of(_complete(*versions))
    assert resource.versions == ("v11", "v2", "v1", "v1beta10", "v1beta2", "v1alpha1", "foo")
    assert resource.storage_version == "v1"


def test_a_definition_without_storage_version_is_refused() -> None:
    definition = _definition("v1")
    definition["spec"]["versions"][0]["storage"] = False
    with pytest.raises(Invalid, match="must have exactly one version marked as storage version"):
        crd.complete(definition, None, "")


def test_both_discovery_formats_name_the_same_resources() -> None:
    registry = Registry()
    registry.put(crd.resource_of(_complete("v1beta1", "v1")))
    legacy = {
        (group, version, item["name"])
        for group, versions in registry.groups().items()
        for version in versions
        for item in (discovery.resource_list(registry, group, version) or {})["resources"]
    }
    modern = set()
    for core in (True, False):
        for group in discovery.aggregated(registry, core, "v2")["items"]:
            for version in group["versions"]:
                for item in version["resources"]:
                    place = (group["metadata"]["name"], version["version"])
                    modern.add((*place, item["resource"]))
                    modern |= {
                        (*place, f"{item['resource']}/{sub['subresource']}") for sub in item.get("subresources", [])
                    }
    assert legacy == modern
    assert ("ex.io", "v1beta1", "widgets") in legacy and ("", "v1", "pods/eviction") in legacy


def test_a_removed_definition_is_no_longer_served() -> None:
    registry = Registry()
    resource = crd.resource_of(_complete("v1"))
    registry.put(resource)
    before = openapi.index(registry)["paths"]
    registry.remove(resource.key)
    assert "apis/ex.io/v1" in before and "apis/ex.io/v1" not in openapi.index(registry)["paths"]
    assert discovery.group(registry, "ex.io") is None


def test_openapi_names_each_kind_and_leaves_merging_of_built_in_kinds_to_the_client() -> None:
    document = openapi.document(Registry(), "apps", "v1")
    assert document is not None
    patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert "fieldValidation" in [parameter["name"] for parameter in patch["parameters"]]
    assert list(patch["requestBody"]["content"]) == ["application/apply-patch+yaml"]
