# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: rows about what a restore would start from; pure."""

from __future__ import annotations

from collections.abc import Iterator

from .model import BAD, NOTE, OK, Row, World, age, found, moment

COMMAND = "ansible-playbook playbooks/back_up_cluster.yml"


def rows(world: World) -> Iterator[Row]:
    """The newest backup, and etcd's own snapshots where a server keeps etcd."""
    yield _backup(world)
    for machine in world.members("k3s_server"):
        look = found(world, machine, "k3s")
        if look is not None and look.get("datastore") == "etcd" and not world.silence:
            yield _snapshot(world, machine)


def _backup(world: World) -> Row:
    limit = world.limits.backup_hours
    if world.backup is None:
        return Row("datastore", "cluster", "backup", BAD, f"this controller has no backup; make one: {COMMAND}")
    old = world.now - world.backup
    if old > limit * 3600:
        said = f"the newest backup is {age(old)} old, expected at most {limit} hours; make one: {COMMAND}"
        return Row("datastore", "cluster", "backup", BAD, said)
    return Row("datastore", "cluster", "backup", OK, f"the newest backup is {age(old)} old")


def _snapshot(world: World, machine: str) -> Row:
    name, limit = world.node_name(machine), world.limits.snapshot_hours
    files = [item for item in world.items("etcdsnapshotfiles") if (item.get("spec") or {}).get("nodeName") == name]
    failed = [item for item in files if (item.get("status") or {}).get("error")]
    times = [moment((item.get("status") or {}).get("creationTime")) for item in files if item not in failed]
    newest = max((time for time in times if time is not None), default=None)
    if newest is None and _is_young(world, name):
        return Row("datastore", machine, "snapshot", NOTE, "etcd has no snapshot yet; its schedule takes the first")
    if newest is None:
        said = "etcd has no snapshot; look at etcd-snapshot-schedule-cron, or take one: k3s etcd-snapshot save"
        return Row("datastore", machine, "snapshot", BAD, said)
    old = world.now - newest
    if old > limit * 3600:
        said = f"etcd's newest snapshot is {age(old)} old, expected at most {limit} hours; look at journalctl -u k3s"
        return Row("datastore", machine, "snapshot", BAD, said)
    return Row("datastore", machine, "snapshot", OK, f"etcd's newest snapshot is {age(old)} old")


def _is_young(world: World, name: str) -> bool:
    node = world.named("nodes").get(name)
    born = moment(node["metadata"].get("creationTimestamp")) if node else None
    return born is not None and world.now - born <= world.limits.snapshot_hours * 3600
