# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node lifecycle: silence becomes Ready=Unknown, conditions become taints, every node gets a pod network."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass, field

from lab.k3s_standin import log
from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.errors import Obj

KEYS = ("nodes",)
INTERVAL = 2.0
_PREFIX = "node.kubernetes.io/"
# (condition, its bad value, taint key)
_PRESSURES = (
    ("MemoryPressure", "memory-pressure"),
    ("DiskPressure", "disk-pressure"),
    ("PIDPressure", "pid-pressure"),
)
_MANAGED = frozenset(
    f"{_PREFIX}{name}" for name in ("not-ready", "unreachable", "unschedulable", *(name for _, name in _PRESSURES))
)


@dataclass
class NodeLifecycle:
    """One reconciliation looks at all nodes."""

    client: Client
    cluster_cidr: str = "10.42.0.0/16"
    grace_seconds: float = 40.0
    # node -> (renewTime, when it was first seen here): clocks of nodes are not compared with ours.
    _seen: dict[str, tuple[str, float]] = field(default_factory=dict)

    def sync(self) -> None:
        """Bring all nodes up to date."""
        leases = {
            lease["metadata"]["name"]: (lease.get("spec") or {}).get("renewTime", "")
            for lease in self.client.list("leases.coordination.k8s.io", "kube-node-lease")
        }
        nodes = self.client.list("nodes")
        taken = {node["spec"].get("podCIDR") for node in nodes if node.get("spec")}
        for node in nodes:
            name = node["metadata"]["name"]
            if self._silent(name, leases.get(name, "")) and _ready(node) != "Unknown":
                log.info(f"node {name} hasn't been updated for {self.grace_seconds:.0f}s: Ready becomes Unknown")
                node = self.client.change("nodes", name, _lost, subresource="status")
            self._keep_spec(node, taken)
        self._seen = {name: seen for name, seen in self._seen.items() if name in leases}

    def _silent(self, name: str, renewed: str) -> bool:
        before, since = self._seen.get(name, ("\0", 0.0))
        if before != renewed:
            self._seen[name] = (renewed, time.monotonic())
            return False
        return time.monotonic() - since > self.grace_seconds

    def _keep_spec(self, node: Obj, taken: set[str | None]) -> None:
        name, spec = node["metadata"]["name"], node.get("spec") or {}
        wanted = wanted_taints(node)
        network = spec.get("podCIDR") or _free(self.cluster_cidr, taken)
        taken.add(network)
        if wanted == (spec.get("taints") or []) and network == spec.get("podCIDR"):
            return

        def edit(live: Obj) -> Obj:
            live.setdefault("spec", {}).update(
                {"taints": wanted_taints(live), "podCIDR": network, "podCIDRs": [network]}
            )
            return live

        self.client.change("nodes", name, edit)


def wanted_taints(node: Obj) -> list[Obj]:
    """The node's own taints and those its conditions ask for; a taint that stays keeps its time."""
    spec = node.get("spec") or {}
    present = spec.get("taints") or []
    keys: list[tuple[str, str]] = []
    ready = _ready(node)
    if ready != "True":
        name = "unreachable" if ready == "Unknown" else "not-ready"
        keys += [(name, "NoSchedule"), (name, "NoExecute")]
    keys += [(name, "NoSchedule") for kind, name in _PRESSURES if _condition(node, kind) == "True"]
    if spec.get("unschedulable"):
        keys.append(("unschedulable", "NoSchedule"))
    wanted = {(_PREFIX + name, effect) for name, effect in keys}
    kept = [taint for taint in present if taint["key"] not in _MANAGED or (taint["key"], taint["effect"]) in wanted]
    had = {(taint["key"], taint["effect"]) for taint in kept}
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return kept + [
        {"key": key, "effect": effect, "timeAdded": stamp} for key, effect in sorted(wanted) if (key, effect) not in had
    ]


def _ready(node: Obj) -> str:
    return _condition(node, "Ready") or "False"


def _condition(node: Obj, kind: str) -> str:
    conditions = (node.get("status") or {}).get("conditions") or []
    return next((str(item.get("status")) for item in conditions if item.get("type") == kind), "")


def _lost(node: Obj) -> Obj:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for condition in (node.get("status") or {}).get("conditions") or []:
        if condition["status"] != "Unknown":
            condition["lastTransitionTime"] = stamp
        condition.update(
            {"status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
        )
    return node


def _free(cluster_cidr: str, taken: set[str | None]) -> str:
    for network in ipaddress.ip_network(cluster_cidr).subnets(new_prefix=24):
        if str(network) not in taken:
            return str(network)
    raise ValueError(f"no /24 left in {cluster_cidr} for another node")
