# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server fills in before an object is stored: only what clients rely on."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from lab.k3s_standin.api.errors import Invalid, Obj, bad_request

_RBAC = "rbac.authorization.k8s.io"
# Values for absent fields, by resource key and dotted path.
_STATIC: dict[str, dict[str, Any]] = {
    "secrets": {"type": "Opaque"},
    "namespaces": {"spec.finalizers": ["kubernetes"], "status.phase": "Active"},
    "persistentvolumeclaims": {"spec.volumeMode": "Filesystem", "status.phase": "Pending"},
    "persistentvolumes": {
        "spec.volumeMode": "Filesystem",
        "spec.persistentVolumeReclaimPolicy": "Retain",
        "status.phase": "Pending",
    },
    "deployments.apps": {
        "spec.replicas": 1,
        "spec.revisionHistoryLimit": 10,
        "spec.progressDeadlineSeconds": 600,
        "spec.strategy.type": "RollingUpdate",
        "status": {},
    },
    "daemonsets.apps": {
        "spec.revisionHistoryLimit": 10,
        "spec.updateStrategy.type": "RollingUpdate",
        "status": dict.fromkeys(
            ("currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady"), 0
        ),
    },
    "statefulsets.apps": {
        "spec.replicas": 1,
        "spec.podManagementPolicy": "OrderedReady",
        "spec.revisionHistoryLimit": 10,
        "spec.updateStrategy.type": "RollingUpdate",
        "status.replicas": 0,
    },
    "replicasets.apps": {"spec.replicas": 1, "status.replicas": 0},
    "jobs.batch": {
        "spec.backoffLimit": 6,
        "spec.completions": 1,
        "spec.parallelism": 1,
        "spec.suspend": False,
        "status": {},
    },
    "cronjobs.batch": {"spec.concurrencyPolicy": "Allow", "spec.suspend": False, "status": {}},
    "storageclasses.storage.k8s.io": {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
    "services": {"spec.type": "ClusterIP", "spec.sessionAffinity": "None", "status": {"loadBalancer": {}}},
    "pods": {"status.phase": "Pending", "status.qosClass": "BestEffort"},
    "nodes": {"spec": {}, "status": {}},
    f"rolebindings.{_RBAC}": {"roleRef.apiGroup": _RBAC},
    f"clusterrolebindings.{_RBAC}": {"roleRef.apiGroup": _RBAC},
    "poddisruptionbudgets.policy": {
        "status": dict.fromkeys(("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"), 0)
    },
}
_POD_SPEC: dict[str, Any] = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}
_CONTAINER: dict[str, Any] = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
# Where a pod spec lies inside each kind.
_POD_SPECS = {
    "pods": "spec",
    "cronjobs.batch": "spec.jobTemplate.spec.template.spec",
    **dict.fromkeys(
        ("deployments.apps", "daemonsets.apps", "statefulsets.apps", "replicasets.apps", "jobs.batch"),
        "spec.template.spec",
    ),
}


def prepare(key: str, obj: Obj, allocate_ip: Callable[[str | None], str]) -> None:
    """Fill in defaults, in place; `allocate_ip` gives the wanted or a free Service address."""
    for path, value in _STATIC.get(key, {}).items():
        _set_absent(obj, path, value)
    if key in _POD_SPECS:
        _pod_spec(_dig(obj, _POD_SPECS[key]), bare=key == "pods")
    if key == "secrets":
        _string_data(obj)
    elif key == "namespaces":
        obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"]["name"]
    elif key == "services":
        _service(obj["spec"], allocate_ip)
    elif key == "nodes" and "podCIDR" in obj["spec"]:
        obj["spec"].setdefault("podCIDRs", [obj["spec"]["podCIDR"]])


def free_address(cidr: str, taken: Iterable[str], wanted: str | None, name: str) -> str:
    """The wanted address if it may be had, else the lowest free one from the upper part, as upstream prefers."""
    network, used = ipaddress.ip_network(cidr), set(taken)
    if wanted:
        problem = (
            "" if ipaddress.ip_address(wanted) in network else f"the provided IP is not in the valid range ({cidr})"
        )
        if wanted in used:
            problem = "provided IP is already allocated"
        if problem:
            raise Invalid(
                "Service",
                "",
                name,
                [("spec.clusterIPs", f'Invalid value: ["{wanted}"]: failed to allocate IP {wanted}: {problem}')],
            )
        return wanted
    # KEP-3070: the first min(max(16, size/16), 256) addresses are left for those who ask for one by number.
    reserved = min(max(16, network.num_addresses // 16), 256)
    for offset in [*range(reserved, network.num_addresses - 1), *range(1, reserved)]:
        address = str(network[offset])
        if address not in used:
            return address
    raise bad_request(f"the service range {cidr} is full; give the server a larger one")


def _service(spec: Obj, allocate_ip: Callable[[str | None], str]) -> None:
    for port in spec.get("ports") or []:
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    if spec["type"] == "ExternalName":
        return
    if spec.get("clusterIP") != "None":
        spec["clusterIP"] = allocate_ip(spec.get("clusterIP") or None)
    spec["clusterIPs"] = [spec["clusterIP"]]
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")


def _pod_spec(spec: Obj | None, bare: bool) -> None:
    if spec is None:
        return
    for name, value in _POD_SPEC.items():
        spec.setdefault(name, value)
    if bare:
        spec.setdefault("serviceAccountName", "default")
        spec.setdefault("enableServiceLinks", True)
    if "serviceAccountName" in spec:
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        for name, value in _CONTAINER.items():
            container.setdefault(name, value)
        image = str(container.get("image", ""))
        latest = "@" not in image and (":" not in image.rpartition("/")[2] or image.endswith(":latest"))
        container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
        for port in container.get("ports") or []:
            port.setdefault("protocol", "TCP")


def _string_data(obj: Obj) -> None:
    plain = obj.pop("stringData", None) or {}
    if plain:
        data = obj["data"] = obj.get("data") or {}
        data.update({key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()})


def _dig(obj: Obj, path: str) -> Obj | None:
    node: Any = obj
    for name in path.split("."):
        node = node.get(name) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else None


def _set_absent(obj: Obj, path: str, value: Any) -> None:
    *above, last = path.split(".")
    node = obj
    for name in above:
        if not isinstance(node.get(name), dict):
            node[name] = {}
        node = node[name]
    if node.get(last) is None:
        node[last] = {**value} if isinstance(value, dict) else value
