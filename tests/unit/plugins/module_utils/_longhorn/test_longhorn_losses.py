# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._longhorn.losses import (
    Losses,
    Replica,
    disk_paths,
    losses,
    replica_from,
)

NODE = {
    "spec": {"disks": {"ssd-1": {"path": "/mnt/ssd-1"}, "gone": {"path": "/mnt/gone"}}},
    "status": {"diskStatus": {"ssd-1": {"diskUUID": "u1"}, "unknown": {"diskUUID": "u2"}, "gone": {}}},
}


def replica(node: str, path: str = "/var/lib/longhorn", healthy: bool = True, volume: str = "v") -> Replica:
    return Replica(volume, node, path, healthy)


@pytest.mark.parametrize(
    ("replicas", "expected"),
    [
        ([], Losses((), ())),
        ([replica("k3s1")], Losses(("v",), ())),
        ([replica("k3s1", "/mnt/ssd-1")], Losses((), ("v",))),
        ([replica("k3s1", "/mntx/ssd-1")], Losses(("v",), ())),
        ([replica("k3s1", "")], Losses(("v",), ())),
        ([replica("k3s1"), replica("k3s2")], Losses((), ())),
        ([replica("k3s1"), replica("k3s2", healthy=False)], Losses(("v",), ())),
        ([replica("k3s1", healthy=False), replica("k3s2")], Losses((), ())),
        ([replica("k3s1", healthy=False)], Losses((), ())),
        ([replica("k3s1"), replica("k3s1", "/mnt/ssd-1")], Losses((), ("v",))),
        ([replica("k3s1", volume="b"), replica("k3s1", volume="a")], Losses(("a", "b"), ())),
    ],
)
def test_losses(replicas: list[Replica], expected: Losses) -> None:
    assert losses(replicas, "k3s1", ["/mnt"]) == expected


def test_a_replica_is_where_its_disk_is() -> None:
    disks = disk_paths([NODE, {"spec": {}}])
    assert disks == {"u1": "/mnt/ssd-1"}
    spec = {
        "volumeName": "v",
        "nodeID": "k3s1",
        "diskID": "u1",
        "diskPath": "/old",
        "healthyAt": "2025-06-01T00:00:00Z",
    }
    assert replica_from({"spec": spec}, disks) == replica("k3s1", "/mnt/ssd-1")
    assert replica_from({"spec": spec | {"diskID": "u9"}}, disks).path == "/old"
    assert not replica_from({"spec": spec | {"failedAt": "2025-06-02T00:00:00Z"}}, disks).healthy
    assert not replica_from({"spec": spec | {"healthyAt": ""}}, disks).healthy
