# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All controllers of one server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.k3s_standin.api.client import Client
from lab.k3s_standin.controllers import addons, endpoints, namespaces, nodes, own_node, pods, workloads
from lab.k3s_standin.controllers.loop import Loop
from lab.k3s_standin.node_passwords import NodePasswords

_GRACE = re.compile(r"^node-monitor-grace-period=(\d+)s$")
_GRACE_SECONDS = 40.0


@dataclass(frozen=True)
class Facts:
    """What controllers need to know about their server."""

    node: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    address: str
    port: int
    ca: str
    manifests: Path
    disabled: frozenset[str]
    cluster_cidr: str
    controller_arguments: tuple[str, ...]


class ControlPlane:
    """Starts and stops the loops."""

    def __init__(self, client: Client, passwords: NodePasswords, facts: Facts) -> None:
        lifecycle = nodes.NodeLifecycle(client, facts.cluster_cidr, grace_seconds(facts.controller_arguments))
        own = own_node.OwnNode(client, facts.node, dict(facts.labels), facts.annotations)
        deleted = own_node.DeletedNodes(client, passwords)
        deploy = addons.Addons(client, facts.manifests, facts.node, facts.disabled)
        reachable = endpoints.KubernetesEndpoints(client, facts.address, facts.port)
        self._loops = [
            Loop("node-lifecycle", client, nodes.KEYS, nodes.INTERVAL, lifecycle.sync),
            Loop("own-node", client, own_node.KEYS, own_node.INTERVAL, own.sync),
            Loop("deleted-nodes", client, own_node.KEYS, own_node.INTERVAL, deleted.sync),
            Loop("deploy", client, addons.KEYS, addons.INTERVAL, deploy.sync),
            Loop("root-ca", client, namespaces.KEYS, namespaces.INTERVAL, namespaces.RootCa(client, facts.ca).sync),
            Loop("endpoints", client, endpoints.KEYS, endpoints.INTERVAL, reachable.sync),
            Loop("workloads", client, workloads.KEYS, workloads.INTERVAL, workloads.Workloads(client).sync),
            Loop("pods", client, pods.KEYS, pods.INTERVAL, pods.Pods(client).sync),
        ]

    def start(self) -> None:
        """Start all loops; the API server's own objects are there by now."""
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """Stop all loops."""
        for loop in self._loops:
            loop.stop()


def grace_seconds(arguments: tuple[str, ...]) -> float:
    """How long a node may be silent: kube-controller-manager-arg node-monitor-grace-period, or the default."""
    matches = [match for match in map(_GRACE.match, arguments) if match]
    return float(matches[-1][1]) if matches else _GRACE_SECONDS
