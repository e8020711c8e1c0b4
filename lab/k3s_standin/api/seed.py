# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects every K3s cluster has from its first second."""

from __future__ import annotations

from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.crd import CRD_KEY
from lab.k3s_standin.api.errors import Obj
from lab.k3s_standin.api.operations import Operations

_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_OPEN: Obj = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
# group, version, kind, plural, namespaced, status subresource, spec, extra columns as (name, path, type)
_DEFINITIONS: tuple[tuple[str, str, str, str, bool, bool, Obj, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "helm.cattle.io",
        "v1",
        "HelmChart",
        "helmcharts",
        True,
        True,
        {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {
                **{
                    name: {"type": "string"}
                    for name in ("chart", "repo", "version", "targetNamespace", "valuesContent", "chartContent")
                },
                "bootstrap": {"type": "boolean"},
                "failurePolicy": {"type": "string", "enum": ["abort", "reinstall"], "default": "reinstall"},
                "set": {"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": True}},
            },
        },
        (
            ("Repo", ".spec.repo", "string"),
            ("Chart", ".spec.chart", "string"),
            ("Version", ".spec.version", "string"),
            ("TargetNamespace", ".spec.targetNamespace", "string"),
            ("Bootstrap", ".spec.bootstrap", "boolean"),
            ("Failed", '.status.conditions[?(@.type=="Failed")].status', "string"),
            ("JobName", ".status.jobName", "string"),
        ),
    ),
    (
        "helm.cattle.io",
        "v1",
        "HelmChartConfig",
        "helmchartconfigs",
        True,
        False,
        {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {
                "valuesContent": {"type": "string"},
                "failurePolicy": {"type": "string", "enum": ["abort", "reinstall"]},
            },
        },
        (),
    ),
    (
        "k3s.cattle.io",
        "v1",
        "Addon",
        "addons",
        True,
        False,
        {
            "type": "object",
            "properties": {
                "source": {"type": "string", "nullable": True},
                "checksum": {"type": "string", "nullable": True},
            },
        },
        (("Source", ".spec.source", "string"), ("Checksum", ".spec.checksum", "string")),
    ),
    (
        "k3s.cattle.io",
        "v1",
        "ETCDSnapshotFile",
        "etcdsnapshotfiles",
        False,
        True,
        _OPEN,
        (
            ("SnapshotName", ".spec.snapshotName", "string"),
            ("Node", ".spec.nodeName", "string"),
            ("Location", ".spec.location", "string"),
            ("Size", ".status.size", "string"),
            ("CreationTime", ".status.creationTime", "date"),
        ),
    ),
)


def seed(client: Client, operations: Operations) -> None:
    """Create what is missing."""
    for name in _NAMESPACES:
        if client.find("namespaces", name) is None:
            client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for row in _DEFINITIONS:
        definition = _definition(*row)
        if client.find(CRD_KEY, definition["metadata"]["name"]) is None:
            client.create(definition)
    for name, value in (("system-cluster-critical", 2000000000), ("system-node-critical", 2000001000)):
        if client.find("priorityclasses.scheduling.k8s.io", name) is None:
            client.create(
                {
                    "apiVersion": "scheduling.k8s.io/v1",
                    "kind": "PriorityClass",
                    "metadata": {"name": name},
                    "value": value,
                }
            )
    if client.find("services", "kubernetes", "default") is None:
        client.create(_kubernetes_service(operations.first_service_ip()))


def _kubernetes_service(address: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": address,
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
        },
    }


def _definition(
    group: str,
    version: str,
    kind: str,
    plural: str,
    namespaced: bool,
    status: bool,
    spec: Obj,
    columns: tuple[tuple[str, str, str], ...],
) -> Obj:
    schema = {"type": "object", "properties": {"spec": spec, "status": _OPEN}}
    listed: Obj = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    if status:
        listed["subresources"] = {"status": {}}
    if columns:
        listed["additionalPrinterColumns"] = [
            {"name": name, "jsonPath": path, "type": kind} for name, path, kind in columns
        ]
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": names,
            "scope": "Namespaced" if namespaced else "Cluster",
            "versions": [listed],
        },
    }
