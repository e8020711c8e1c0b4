# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All controllers of one server."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.k3s_standin.api.client import Client
from lab.k3s_standin.controllers import (
    addons,
    cilium,
    endpoints,
    members,
    namespaces,
    nodes,
    own_node,
    pods,
    workloads,
)
from lab.k3s_standin.controllers.leader import Elector
from lab.k3s_standin.controllers.loop import Loop
from lab.k3s_standin.etcd_client import EtcdClient
from lab.k3s_standin.node_passwords import NodePasswords

_GRACE = re.compile(r"^node-monitor-grace-period=(\d+)s$")
_GRACE_SECONDS = 40.0


@dataclass(frozen=True)
class Facts:
    """What controllers need to know about their server."""

    node: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    addresses: Callable[[], list[str]]
    port: int
    ca: str
    manifests: Path
    disabled: frozenset[str]
    cluster_cidr: str
    controller_arguments: tuple[str, ...]
    # Set where several servers may be: then one is elected, and members of etcd are looked after.
    etcd: EtcdClient | None = None


class ControlPlane:
    """Starts and stops the loops: its own on every server, those of the whole cluster on the elected one."""

    def __init__(self, client: Client, passwords: NodePasswords, facts: Facts, start_api: Callable[[], None]) -> None:
        self._client, self._passwords, self._facts = client, passwords, facts
        self._start_api = start_api
        own = own_node.OwnNode(client, facts.node, dict(facts.labels), facts.annotations)
        deploy = addons.Addons(client, facts.manifests, facts.node, facts.disabled)
        self._loops = [
            Loop("own-node", client, own_node.KEYS, own_node.INTERVAL, own.sync),
            Loop("deploy", client, addons.KEYS, addons.INTERVAL, deploy.sync),
        ]
        self._elector = Elector(client, facts.node, self._lead) if facts.etcd else None

    def start(self) -> None:
        """Start this server's loops, and the cluster's unless others may have them."""
        for loop in self._loops:
            loop.start()
        if self._elector:
            self._elector.start()
        else:
            self._lead()

    def stop(self) -> None:
        """Stop all loops, then let another server lead."""
        for loop in self._loops:
            loop.stop()
        if self._elector:
            self._elector.stop()

    def _lead(self) -> None:
        self._start_api()
        loops = self._cluster_loops()
        self._loops += loops
        for loop in loops:
            loop.start()

    def _cluster_loops(self) -> list[Loop]:
        client, facts = self._client, self._facts
        lifecycle = nodes.NodeLifecycle(client, facts.cluster_cidr, grace_seconds(facts.controller_arguments))
        deleted = own_node.DeletedNodes(client, self._passwords)
        reachable = endpoints.KubernetesEndpoints(client, facts.addresses, facts.port)
        loops = [
            Loop("node-lifecycle", client, nodes.KEYS, nodes.INTERVAL, lifecycle.sync),
            Loop("deleted-nodes", client, own_node.KEYS, own_node.INTERVAL, deleted.sync),
            Loop("root-ca", client, namespaces.KEYS, namespaces.INTERVAL, namespaces.RootCa(client, facts.ca).sync),
            Loop("endpoints", client, endpoints.KEYS, endpoints.INTERVAL, reachable.sync),
            Loop("workloads", client, workloads.KEYS, workloads.INTERVAL, workloads.Workloads(client).sync),
            Loop("pods", client, pods.KEYS, pods.INTERVAL, pods.Pods(client).sync),
            Loop("cilium", client, cilium.KEYS, cilium.INTERVAL, cilium.CiliumOperator(client).sync),
        ]
        if facts.etcd:
            etcd = members.EtcdMembers(client, facts.etcd)
            loops.append(Loop("etcd-members", client, members.KEYS, members.INTERVAL, etcd.sync))
            loops.append(Loop("etcd-learners", client, (), members.PROMOTION_INTERVAL, etcd.promote))
        return loops


def grace_seconds(arguments: tuple[str, ...]) -> float:
    """How long a node may be silent: kube-controller-manager-arg node-monitor-grace-period, or the default."""
    matches = [match for match in map(_GRACE.match, arguments) if match]
    return float(matches[-1][1]) if matches else _GRACE_SECONDS
