# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server keeps true about its own Node, and what it clears up after Nodes that were deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.k3s_standin.api.client import Client
from lab.k3s_standin.node_passwords import NAMESPACE, NodePasswords

KEYS = ("nodes",)
INTERVAL = 60.0
_SUFFIX = ".node-password.k3s"


@dataclass
class OwnNode:
    """Role labels, which a kubelet may not set itself (fact A17)."""

    client: Client
    name: str
    labels: dict[str, str]
    annotations: Mapping[str, str]

    def sync(self) -> None:
        """Add what is missing."""
        node = self.client.find("nodes", self.name)
        if node is None:
            return
        labels, annotations = node["metadata"].get("labels") or {}, node["metadata"].get("annotations") or {}
        if self.labels.items() <= labels.items() and self.annotations.items() <= annotations.items():
            return
        self.client.patch(
            "nodes", self.name, {"metadata": {"labels": self.labels, "annotations": dict(self.annotations)}}
        )


@dataclass
class DeletedNodes:
    """A deleted Node takes its password along, so that its name may be used again (fact A10)."""

    client: Client
    passwords: NodePasswords

    def __post_init__(self) -> None:
        self._known: set[str] = set()

    def sync(self) -> None:
        """Forget the passwords of nodes that were there and are gone."""
        present = {node["metadata"]["name"] for node in self.client.list("nodes")}
        if not self._known:
            # A start: passwords of nodes deleted just before the last stop are found by the Secrets' names.
            names = (secret["metadata"]["name"] for secret in self.client.list("secrets", NAMESPACE))
            self._known = {name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)}
        for name in self._known - present:
            self.passwords.forget(name)
        self._known = present
