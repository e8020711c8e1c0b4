# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which Longhorn volumes have their last healthy replica on a node; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Replica:
    """One replica: where it lies, and whether it could serve its volume alone."""

    volume: str
    node: str
    path: str  # of its disk, empty when nobody knows
    healthy: bool


@dataclass(frozen=True)
class Losses:
    """Volumes that depend on one node alone."""

    lost: tuple[str, ...]  # the data lies where it does not survive
    away: tuple[str, ...]  # the data survives, and is not to be had until the node is back


def replica_from(document: Document, disks: Mapping[str, str]) -> Replica:
    """A Replica object; its disk's path from the Longhorn node that has the disk, else from the replica itself."""
    spec = document["spec"]
    return Replica(
        spec.get("volumeName", ""),
        spec.get("nodeID", ""),
        disks.get(spec.get("diskID", "")) or spec.get("diskPath") or "",
        # healthyAt is set once a replica was complete, failedAt when it stopped being so
        bool(spec.get("healthyAt")) and not spec.get("failedAt"),
    )


def disk_paths(nodes: Sequence[Document]) -> dict[str, str]:
    """Path of each disk by its UUID, from the Longhorn Node objects."""
    paths: dict[str, str] = {}
    for node in nodes:
        wanted = node.get("spec", {}).get("disks") or {}
        for name, status in (node.get("status", {}).get("diskStatus") or {}).items():
            path = (wanted.get(name) or {}).get("path")
            if path and status.get("diskUUID"):
                paths[status["diskUUID"]] = path
    return paths


def losses(replicas: Sequence[Replica], node: str, kept: Sequence[str]) -> Losses:
    """Volumes with healthy replicas on this node and on no other, by whether the disks below 'kept' hold them."""
    healthy = [replica for replica in replicas if replica.healthy]
    elsewhere = {replica.volume for replica in healthy if replica.node != node}
    here = [replica for replica in healthy if replica.node == node and replica.volume not in elsewhere]
    safe = {replica.volume for replica in here if _below(replica.path, kept)}
    return Losses(tuple(sorted({replica.volume for replica in here} - safe)), tuple(sorted(safe)))


def _below(path: str, kept: Sequence[str]) -> bool:
    return bool(path) and any(PurePosixPath(path).is_relative_to(folder) for folder in kept)
