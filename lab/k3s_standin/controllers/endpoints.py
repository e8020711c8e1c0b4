# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the Service default/kubernetes leads: the API server's own address."""

from __future__ import annotations

from dataclasses import dataclass

from lab.k3s_standin.api.client import Client

KEYS = ("services",)
INTERVAL = 300.0


@dataclass
class KubernetesEndpoints:
    """Keeps Endpoints and EndpointSlice of the API server."""

    client: Client
    address: str
    port: int

    def sync(self) -> None:
        """Apply both; nothing changes when they are right."""
        metadata = {"name": "kubernetes", "namespace": "default"}
        port = {"name": "https", "port": self.port, "protocol": "TCP"}
        subsets = [{"addresses": [{"ip": self.address}], "ports": [port]}]
        slice_metadata = {**metadata, "labels": {"kubernetes.io/service-name": "kubernetes"}}
        wanted = [
            {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": subsets},
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": slice_metadata,
                "addressType": "IPv6" if ":" in self.address else "IPv4",
                "endpoints": [{"addresses": [self.address], "conditions": {"ready": True}}],
                "ports": [port],
            },
        ]
        for obj in wanted:
            self.client.apply(obj, manager="kube-apiserver")
