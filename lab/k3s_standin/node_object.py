# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Node object: what a node says about itself at registration and afterwards."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.k3s_standin import machine
from lab.k3s_standin.options import Node

Obj = dict[str, Any]

_SECRET_FLAGS = frozenset(
    f"--{name}"
    for name in "token agent-token datastore-endpoint etcd-s3-access-key etcd-s3-secret-key"
    " etcd-s3-session-token vpn-auth cluster-secret".split()
) | {"-t"}
_SECRET_VARIABLES = frozenset(
    {"K3S_TOKEN", "K3S_AGENT_TOKEN", "K3S_DATASTORE_ENDPOINT", "K3S_CLUSTER_SECRET", "K3S_VPN_AUTH"}
)
_OMITTED = "********"
_SERVER_ROLES = ("control-plane", "master")
_NOT_READY = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady"
    " message:Network plugin returns error: cni plugin not initialized"
)
_PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


def new(node: Node, annotations: Mapping[str, str], status: Obj) -> Obj:
    """The object of a first registration: the only time that configured labels and taints count (fact A17)."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "labels": {**default_labels(node), **node.labels},
            "annotations": dict(annotations),
        },
        "spec": {
            "providerID": f"k3s://{node.name}",
            "taints": [
                {"key": key, **({"value": value} if value else {}), "effect": effect}
                for key, value, effect in node.taints
            ],
        },
        "status": status,
    }


def default_labels(node: Node) -> dict[str, str]:
    """Labels every node keeps in step with itself."""
    architecture = machine.architecture()
    return {
        "beta.kubernetes.io/arch": architecture,
        "beta.kubernetes.io/instance-type": "k3s",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture,
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "k3s",
    }


def server_labels(etcd: bool) -> dict[str, str]:
    """Labels a server gives its own node; a kubelet could not."""
    roles = (*_SERVER_ROLES, "etcd") if etcd else _SERVER_ROLES
    return {f"node-role.kubernetes.io/{role}": "true" for role in roles}


def own_annotations(node: Node, environment: Mapping[str, str]) -> dict[str, str]:
    """K3s' annotations; secrets are masked as upstream masks them."""
    arguments = json.dumps(masked(node.arguments), separators=(",", ":"))
    variables = {
        name: _OMITTED if name in _SECRET_VARIABLES else value
        for name, value in sorted(environment.items())
        if name.startswith("K3S_")
    }
    shown = json.dumps(variables, separators=(",", ":"))
    digest = base64.b32encode(hashlib.sha256((arguments + shown).encode()).digest()).decode()
    found = {
        "alpha.kubernetes.io/provided-node-ip": ",".join(node.addresses),
        "k3s.io/hostname": node.name,
        "k3s.io/internal-ip": ",".join(node.addresses),
        "k3s.io/node-args": arguments,
        "k3s.io/node-config-hash": digest,
        "k3s.io/node-env": shown,
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
    }
    if node.external_addresses:
        found["k3s.io/external-ip"] = ",".join(node.external_addresses)
    return found


def masked(arguments: Sequence[str]) -> list[str]:
    """Replace the values of secret flags."""
    shown: list[str] = []
    for word in arguments:
        flag, separator, _ = word.partition("=")
        if shown and shown[-1] in _SECRET_FLAGS:
            shown.append(_OMITTED)
        elif separator and flag in _SECRET_FLAGS:
            shown += [flag, _OMITTED]
        elif separator and flag.startswith("--"):
            shown += [flag, word.partition("=")[2]]
        else:
            shown.append(word)
    return shown


def status(node: Node, version: str, kubelet_root: Path, network_ready: bool, previous: Sequence[Obj], now: str) -> Obj:
    """The status of now; a condition keeps its transition time while it does not change."""
    total = machine.capacity(kubelet_root)
    addresses = [{"type": "InternalIP", "address": address} for address in node.addresses]
    addresses += [{"type": "ExternalIP", "address": address} for address in node.external_addresses]
    ready = ("Ready", "True", "KubeletReady", "kubelet is posting ready status")
    if not network_ready:
        ready = ("Ready", "False", "KubeletNotReady", _NOT_READY)
    wanted = [(kind, "False", reason, message) for kind, reason, message in _PRESSURES] + [ready]
    return {
        "addresses": [*addresses, {"type": "Hostname", "address": node.name}],
        "allocatable": machine.allocatable(total),
        "capacity": total,
        "conditions": [_condition(row, previous, now) for row in wanted],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": machine.node_info(version),
    }


def differs(found: Obj, wanted: Obj) -> bool:
    """Whether a status says something else, apart from the time of the last heartbeat."""

    def conditions(status: Obj) -> dict[str, tuple[str, str]]:
        return {item["type"]: (item["status"], item.get("reason", "")) for item in status.get("conditions") or []}

    def same(old: Any, new: Any) -> bool:
        # Others may add to a mapping: device plugins add resources.
        return new.items() <= old.items() if isinstance(new, dict) and isinstance(old, dict) else bool(old == new)

    if not conditions(wanted).items() <= conditions(found).items():
        return True
    return any(not same(found.get(name), value) for name, value in wanted.items() if name != "conditions")


def _condition(row: tuple[str, str, str, str], previous: Sequence[Obj], now: str) -> Obj:
    kind, value, reason, message = row
    before = next((old for old in previous if old.get("type") == kind), {})
    same = before.get("status") == value
    return {
        "type": kind,
        "status": value,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": now,
        "lastTransitionTime": before.get("lastTransitionTime", now) if same else now,
    }
