# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubelet's part that others can see: registration, lease, status. It runs no pods."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.k3s_standin import cilium_agent, log, node_object, rest
from lab.k3s_standin.options import Node
from lab.k3s_standin.paths import Paths

LEASE_SECONDS = 40
_LOOK_SECONDS = 10.0
_REPORT_SECONDS = 300.0
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_STRATEGIC = "application/strategic-merge-patch+json"
Obj = dict[str, Any]


@dataclass
class Kubelet:
    """One node's voice; `run` ends when `stop` is set."""

    node: Node
    version: str
    paths: Paths
    api: rest.Rest
    stop: threading.Event
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def __post_init__(self) -> None:
        self._network_ready = False
        self._lease: Obj | None = None
        self._uid = ""
        self._next_lease = 0.0
        self._next_look = 0.0
        self._next_report = 0.0

    def register(self) -> None:
        """Create the Node, or take over the one there is without touching its labels and taints."""
        self._network_ready = self._has_network()
        annotations = node_object.own_annotations(self.node, self.environment)
        while not self.stop.is_set():
            try:
                self._register_once(annotations)
                self._renew()
                return
            except rest.Refused as error:
                problem = error.message
            except OSError as error:
                problem = str(error)
            log.error(f'Unable to register node "{self.node.name}" with API server: {problem}')
            self.stop.wait(1)

    def run(self) -> None:
        """Keep lease and status fresh; looks for a network plugin's file every second."""
        self._next_lease = self._next_look = time.monotonic() + _LOOK_SECONDS
        self._next_report = time.monotonic() + _REPORT_SECONDS
        while not self.stop.wait(1):
            try:
                self._tick(time.monotonic())
            except (OSError, rest.Refused) as error:
                message = error.message if isinstance(error, rest.Refused) else str(error)
                log.error(f'Error updating node status, will retry: error getting node "{self.node.name}": {message}')

    def _tick(self, now: float) -> None:
        ready = self._has_network()
        if ready != self._network_ready or now >= self._next_look:
            self._network_ready = ready
            self._next_look = now + _LOOK_SECONDS
            self._update_status(report=now >= self._next_report)
        if now >= self._next_lease:
            self._next_lease = now + _LOOK_SECONDS
            self._renew()
            cilium_agent.settle(self.api, self.node.name, self.paths.cni)

    def _register_once(self, annotations: dict[str, str]) -> None:
        log.info(f"Attempting to register node {self.node.name}")
        body = node_object.new(self.node, annotations, self._status([]))
        try:
            self._uid = self.api.json("POST", "/api/v1/nodes", body)["metadata"]["uid"]
            log.info(f"Successfully registered node {self.node.name}")
        except rest.Refused as error:
            if error.status != 409:
                raise
            log.info(f"Node {self.node.name} was previously registered")
            metadata = {"labels": node_object.default_labels(self.node), "annotations": annotations}
            found = self.api.json("PATCH", f"/api/v1/nodes/{self.node.name}", {"metadata": metadata}, _STRATEGIC)
            self._uid = found["metadata"]["uid"]
            self._update_status(report=True)

    def _update_status(self, report: bool) -> None:
        """Patch the status when it differs from what the server has, and once in a while so that it looks alive."""
        path = f"/api/v1/nodes/{self.node.name}"
        found = self.api.json("GET", path).get("status") or {}
        status = self._status(found.get("conditions") or [])
        if report or node_object.differs(found, status):
            self.api.json("PATCH", f"{path}/status", {"status": status}, _STRATEGIC)
            self._next_report = time.monotonic() + _REPORT_SECONDS

    def _status(self, previous: list[Obj]) -> Obj:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return node_object.status(self.node, self.version, self.paths.kubelet, self._network_ready, previous, now)

    def _renew(self) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
        if self._lease is None:
            self._lease = self._find_lease()
        # Owned by the Node, so that it goes with it.
        owner = {"apiVersion": "v1", "kind": "Node", "name": self.node.name, "uid": self._uid}
        metadata: Obj = {"name": self.node.name, "namespace": "kube-node-lease", "ownerReferences": [owner]}
        spec = {"holderIdentity": self.node.name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": stamp}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        try:
            if self._lease is None:
                self._lease = self.api.json("POST", _LEASES, lease)
            else:
                metadata["resourceVersion"] = self._lease["metadata"]["resourceVersion"]
                self._lease = self.api.json("PUT", f"{_LEASES}/{self.node.name}", lease)
        except rest.Refused as error:
            self._lease = None
            self._next_lease = 0.0
            if error.status not in (404, 409):
                raise

    def _find_lease(self) -> Obj | None:
        try:
            return self.api.json("GET", f"{_LEASES}/{self.node.name}")
        except rest.Refused as error:
            if error.status == 404:
                return None
            raise

    def _has_network(self) -> bool:
        try:
            with os.scandir(self.paths.cni) as entries:
                return any(entry.name.endswith((".conf", ".conflist", ".json")) for entry in entries)
        except OSError:
            return False
