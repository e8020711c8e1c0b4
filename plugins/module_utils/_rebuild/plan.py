# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: in which state a node is, and what rebuilding it takes; pure."""

from __future__ import annotations

from dataclasses import dataclass, field

UNITS = {"server": "k3s.service", "agent": "k3s-agent.service"}


@dataclass(frozen=True)
class Host:
    """The machine, as far as it answers."""

    reachable: bool
    version: str | None = None
    units: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    datastore: str = "none"  # none, sqlite, etcd


@dataclass(frozen=True)
class NodeObject:
    """The Node object; found is false where the cluster has none."""

    found: bool = False
    ready: bool = False
    version: str = ""
    cordoned_by_us: bool = False


@dataclass(frozen=True)
class Wish:
    """What the inventory and the person want."""

    name: str
    role: str
    version: str
    force: bool = False
    backup: str = ""  # restore this one, whatever the state
    servers: int = 1


@dataclass(frozen=True)
class Found:
    """Everything the plan is made from."""

    host: Host
    api: bool
    node: NodeObject = field(default_factory=NodeObject)
    other_servers_ready: int = 0
    newest_backup: str = ""


@dataclass(frozen=True)
class Plan:
    """The node's state, and the steps in their order; refusals instead of steps where it must not be done."""

    state: str  # healthy, unfinished, broken, reinstalled, dead
    steps: tuple[str, ...] = ()
    backup: str = ""
    refusals: tuple[str, ...] = ()


# What each step does, for people; in the order in which steps are done.
STEPS = {
    "drain": "empty it as far as it answers",
    "reset": "remove K3s from it, and nothing else",
    "wait": "wait until it answers again, freshly installed",
    "forget_member": "remove its old Node object, and with it its old etcd member",
    "forget_password": "let the cluster forget its old node password",
    "restore": "restore the datastore",
    "build": "prepare the host and join it with its role, labels and taints",
    "uncordon": "let it take pods again",
}


def judge(wish: Wish, found: Found) -> str:
    """In which state the node is."""
    host, node = found.host, found.node
    if not host.reachable:
        return "dead"
    unit = UNITS[wish.role]
    if unit not in host.units and (wish.role == "agent" or host.datastore == "none"):
        return "reinstalled"
    if wish.role == "server" and host.datastore == "none":
        return "reinstalled"
    runs = unit in host.active and host.version == wish.version
    if runs and found.api and node.ready and node.version == wish.version:
        return "unfinished" if node.cordoned_by_us else "healthy"
    return "broken"


def plan(wish: Wish, found: Found) -> Plan:
    """The steps for this state."""
    state = judge(wish, found)
    refusals = _refusals(wish, found, state)
    if refusals:
        return Plan(state, refusals=tuple(refusals))
    steps = _worker(wish, state) if wish.role == "agent" else _server(wish, found, state)
    backup = (wish.backup or found.newest_backup) if "restore" in steps else ""
    return Plan(state, tuple(step for step in STEPS if step in steps), backup)


def _worker(wish: Wish, state: str) -> set[str]:
    if state == "healthy" and not wish.force:
        return set()
    if state == "unfinished" and not wish.force:
        return {"build", "uncordon"}
    steps = {"forget_password", "build", "uncordon"}
    if state == "dead":
        return steps | {"wait"}
    return steps if state == "reinstalled" else steps | {"drain", "reset"}


def _server(wish: Wish, found: Found, state: str) -> set[str]:
    restore = {"restore"} if wish.backup else set[str]()
    if state == "healthy" and not (wish.force or restore):
        return set()
    if wish.servers > 1 and state in ("dead", "reinstalled", "broken"):
        # the others have the data: this one joins them as a new member
        leave = {"dead": {"wait"}, "broken": {"drain", "reset"}}.get(state, set[str]())
        return leave | {"forget_member", "forget_password", "build", "uncordon"}
    steps = {"build", "uncordon"} | restore
    if state == "dead":
        return steps | {"wait", "restore"}
    # a datastore that is there is newer than any backup: it is repaired in place, unless a backup is asked for
    return steps | {"restore"} if found.host.datastore == "none" else steps


def _refusals(wish: Wish, found: Found, state: str) -> list[str]:
    reasons = []
    for role, unit in UNITS.items():
        if role != wish.role and unit in found.host.units:
            reasons.append(
                f"{wish.name} has {unit}, but the inventory wants it as {wish.role}; rebuilding it would leave the "
                "wrong kind of node beside the right one: tear it down with reset_node.yml first"
            )
    if wish.role == "agent" and not found.api:
        reasons.append(f"the API does not answer, so {wish.name} has nothing to join; rebuild the server first")
    if wish.role == "server" and wish.servers > 1 and state in ("dead", "reinstalled", "broken"):
        needed = wish.servers // 2 + 1
        if found.other_servers_ready < needed:
            reasons.append(
                f"{found.other_servers_ready} of the other {wish.servers - 1} servers are Ready, and {needed} have to "
                f"be before {wish.name} may leave their etcd: bring those back first, or restore the cluster with "
                "restore_cluster.yml"
            )
    elif wish.role == "server" and state in ("dead", "reinstalled") and not (wish.backup or found.newest_backup):
        reasons.append(
            f"{wish.name} is the only server, its datastore is gone, and this controller has no backup to restore; "
            "name one with -e backup=FILE, or build a new, empty cluster with site.yml"
        )
    return reasons
