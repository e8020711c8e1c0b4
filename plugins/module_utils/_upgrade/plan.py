# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: in which order nodes change their K3s version, or why they must not; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._k3s.state import parse_version


@dataclass(frozen=True)
class Member:
    """One machine of the cluster; what its node reports is empty where the cluster has no such node."""

    name: str
    role: str  # server, agent
    installed: str  # version of the binary
    running: str  # version the node reports
    ready: bool
    cordoned_by_us: bool = False


@dataclass(frozen=True)
class Step:
    """One node's change."""

    name: str
    role: str
    before: str
    after: str

    def as_dict(self) -> dict[str, str]:
        """What the user sees of this step."""
        verb = "upgrade" if self.before != self.after else "finish"
        return {
            "kind": verb,
            "target": self.name,
            "sentence": f"{self.role} {self.name}: {self.before} -> {self.after}",
        }


@dataclass(frozen=True)
class Plan:
    """Steps in their order; refusals instead of steps where the upgrade must not be done."""

    steps: tuple[Step, ...] = ()
    refusals: tuple[str, ...] = ()


def plan(members: Sequence[Member], wanted: str) -> Plan:
    """Servers first, then agents; those that are done are left out."""
    target = parse_version(wanted)
    if target is None:
        return Plan(refusals=(f"'{wanted}' is no K3s release, expected one such as v1.32.5+k3s1",))
    todo = [member for member in members if not _done(member, wanted)]
    refusals = [reason for member in todo for reason in _refusals(member, target, wanted)]
    if todo:
        refusals += _unhealthy(members)
    if refusals:
        return Plan(refusals=tuple(refusals))
    ordered = sorted(todo, key=lambda member: member.role != "server")
    return Plan(tuple(Step(member.name, member.role, member.running or member.installed, wanted) for member in ordered))


def _done(member: Member, wanted: str) -> bool:
    return member.installed == member.running == wanted and member.ready and not member.cordoned_by_us


def _refusals(member: Member, target: tuple[int, int, int, int], wanted: str) -> list[str]:
    version = member.running or member.installed
    found = parse_version(version)
    if found is None:
        return [f"{member.name} has no K3s that runs; build it with site.yml or rebuild_node.yml first"]
    if found > target:
        return [
            f"{member.name} runs {version}, newer than {wanted}; K3s goes back only with the datastore of that "
            "version: rollback_cluster.yml does that"
        ]
    if found[0] == target[0] and target[1] - found[1] > 1:
        return [
            f"{member.name} runs {version}, and {wanted} is {target[1] - found[1]} minor versions ahead; Kubernetes "
            f"goes one at a time: upgrade to a v{found[0]}.{found[1] + 1} release first"
        ]
    return []


def _unhealthy(members: Sequence[Member]) -> list[str]:
    # one that an interrupted upgrade left behind is taken up again
    sick = [member.name for member in members if not member.ready and not member.cordoned_by_us]
    if not sick:
        return []
    return [f"{', '.join(sick)} is not Ready; an upgrade begins with a healthy cluster: repair or rebuild it first"]
