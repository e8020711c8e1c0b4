# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the Service default/kubernetes leads: the API servers' own addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lab.k3s_standin.api.client import Client

KEYS = ("services",)
# Servers come and go without any object saying so.
INTERVAL = 5.0


@dataclass
class KubernetesEndpoints:
    """Keeps Endpoints and EndpointSlice of the API server."""

    client: Client
    addresses: Callable[[], list[str]]
    port: int
    _applied: list[str] = field(default_factory=list)

    def sync(self) -> None:
        """Apply both when the servers are others than before."""
        addresses = self.addresses()
        if addresses == self._applied:
            return
        metadata = {"name": "kubernetes", "namespace": "default"}
        port = {"name": "https", "port": self.port, "protocol": "TCP"}
        subsets = [{"addresses": [{"ip": address} for address in addresses], "ports": [port]}]
        slice_metadata = {**metadata, "labels": {"kubernetes.io/service-name": "kubernetes"}}
        wanted = [
            {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": subsets},
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": slice_metadata,
                "addressType": "IPv6" if ":" in addresses[0] else "IPv4",
                "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
                "ports": [port],
            },
        ]
        for obj in wanted:
            self.client.apply(obj, manager="kube-apiserver")
        self._applied = addresses
