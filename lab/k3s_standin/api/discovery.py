# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is served: legacy and aggregated discovery documents."""

from __future__ import annotations

from collections.abc import Iterable

from lab.k3s_standin.api.errors import Obj
from lab.k3s_standin.api.registry import Registry
from lab.k3s_standin.api.resources import Resource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
# Subresources with their own kind: (kind, group, version, verbs).
_SUBRESOURCES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "scale": ("Scale", "autoscaling", "v1", ("get", "patch", "update")),
    "eviction": ("Eviction", "policy", "v1", ("create",)),
    "binding": ("Binding", "", "v1", ("create",)),
    "token": ("TokenRequest", "authentication.k8s.io", "v1", ("create",)),
}
_STATUS_VERBS = ("get", "patch", "update")


def api_versions(address: str) -> Obj:
    """GET /api."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def group_list(registry: Registry) -> Obj:
    """GET /apis."""
    groups = [_group(name, versions) for name, versions in registry.groups().items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(registry: Registry, name: str) -> Obj | None:
    """GET /apis/GROUP, None when there is no such group."""
    versions = registry.groups().get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)} if name and versions else None


def resource_list(registry: Registry, name: str, version: str) -> Obj | None:
    """GET /api/v1 and /apis/GROUP/VERSION, None when there is no such version."""
    if version not in registry.groups().get(name, []):
        return None
    resources = []
    for resource in _of(registry, name, version):
        resources.append(_legacy(resource))
        for subresource in resource.subresources:
            kind, other, other_version, verbs = _subresource(resource, subresource)
            entry = {"name": f"{resource.plural}/{subresource}", "singularName": "", "namespaced": resource.namespaced}
            entry |= {"kind": kind, "verbs": list(verbs)}
            if (other, other_version) != (name, version) and subresource in _SUBRESOURCES:
                entry |= {"group": other, "version": other_version}
            resources.append(entry)
    group_version = f"{name}/{version}" if name else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}


def aggregated(registry: Registry, core: bool, version: str) -> Obj:
    """All groups (or the core group) in one document, apidiscovery.k8s.io at v2 or v2beta1."""
    items = []
    for name, versions in registry.groups().items():
        if core != (name == ""):
            continue
        listed = [
            {
                "version": item,
                "resources": [_modern(resource, item) for resource in _of(registry, name, item)],
                "freshness": "Current",
            }
            for item in versions
        ]
        items.append({"metadata": {"name": name, "creationTimestamp": None}, "versions": listed})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": items,
    }


def _of(registry: Registry, name: str, version: str) -> Iterable[Resource]:
    return (resource for resource in registry.all() if resource.group == name and version in resource.versions)


def _group(name: str, versions: list[str]) -> Obj:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _legacy(resource: Resource) -> Obj:
    answer: Obj = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        answer["shortNames"] = list(resource.short_names)
    if resource.categories:
        answer["categories"] = list(resource.categories)
    return answer


def _modern(resource: Resource, version: str) -> Obj:
    answer: Obj = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        answer["shortNames"] = list(resource.short_names)
    if resource.categories:
        answer["categories"] = list(resource.categories)
    if resource.subresources:
        answer["subresources"] = [_modern_subresource(resource, version, name) for name in resource.subresources]
    return answer


def _modern_subresource(resource: Resource, version: str, name: str) -> Obj:
    kind, other, other_version, verbs = _subresource(resource, name)
    if name not in _SUBRESOURCES:
        other, other_version = resource.group, version
    return {
        "subresource": name,
        "responseKind": {"group": other, "version": other_version, "kind": kind},
        "verbs": list(verbs),
    }


def _subresource(resource: Resource, name: str) -> tuple[str, str, str, tuple[str, ...]]:
    return _SUBRESOURCES.get(name, (resource.kind, resource.group, resource.versions[0], _STATUS_VERBS))
