# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster CA in every namespace, where pods of real clusters find it too."""

from __future__ import annotations

from dataclasses import dataclass

from lab.k3s_standin.api.client import Client

KEYS = ("namespaces",)
INTERVAL = 300.0
_NAME = "kube-root-ca.crt"


@dataclass
class RootCa:
    """One ConfigMap for each namespace."""

    client: Client
    ca: str

    def sync(self) -> None:
        """Create or repair."""
        for namespace in self.client.list("namespaces"):
            name = namespace["metadata"]["name"]
            if namespace["metadata"].get("deletionTimestamp"):
                continue
            found = self.client.find("configmaps", _NAME, name)
            if found is None:
                metadata = {"name": _NAME, "namespace": name}
                self.client.create(
                    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": self.ca}}
                )
            elif found.get("data") != {"ca.crt": self.ca}:
                self.client.patch("configmaps", _NAME, {"data": {"ca.crt": self.ca}}, name)
