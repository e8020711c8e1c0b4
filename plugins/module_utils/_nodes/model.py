# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: nodes as wanted and as found, and what brings one to the other."""

from __future__ import annotations

from dataclasses import dataclass, field

# The keys of labels and taints that this collection set, so that it can take away its own and nobody else's.
OWNED_ANNOTATION = "homelab.fletcherlabs.net/managed"


@dataclass(frozen=True, order=True)
class Taint:
    """One taint; identity is key and effect."""

    key: str
    effect: str
    value: str = ""

    @property
    def identity(self) -> str:
        """How the owner's annotation names it."""
        return f"{self.key}:{self.effect}"

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}" if self.value else self.identity


@dataclass(frozen=True)
class WantedNode:
    """A node as the inventory wants it."""

    name: str
    labels: dict[str, str]
    taints: tuple[Taint, ...] = ()
    version: str | None = None


@dataclass(frozen=True)
class FoundNode:
    """A node as the cluster has it."""

    name: str
    labels: dict[str, str]
    taints: tuple[Taint, ...] = ()
    owned_labels: tuple[str, ...] = ()
    owned_taints: tuple[str, ...] = ()
    version: str = ""
    ready: bool = False
    # what the kubelet last said about Ready, for messages
    condition: str = "no condition reported yet"
    resource_version: str = ""
    # taints exactly as the API sent them: fields such as timeAdded are not ours to lose
    raw_taints: tuple[dict[str, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Action:
    """The change of one node."""

    node: str
    labels: dict[str, str | None]
    taints: tuple[Taint, ...] | None
    owned: tuple[tuple[str, ...], tuple[str, ...]]
    sentence: str

    def as_dict(self) -> dict[str, str]:
        """What the user sees of this step."""
        return {"kind": "patch_node", "target": self.node, "sentence": self.sentence}
