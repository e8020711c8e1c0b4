# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: a row about pods that do not come up; pure."""

from __future__ import annotations

from .model import Object, Row, World, age, full_name, moment, verdict

STUCK = ("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "InvalidImageName")
MOST = 5


def row(world: World) -> Row:
    """Pods that crash, cannot be started or wait for too long."""
    problems = [said for item in world.items("pods") if (said := _problem(world, item))]
    if len(problems) > MOST:
        problems[MOST:] = [f"{len(problems) - MOST} more are stuck: kubectl get pods -A"]
    return verdict("workloads", "pods", "running", problems, f"{len(world.items('pods'))} pods, none of them stuck")


def _problem(world: World, item: Object) -> str:
    status, name = item.get("status") or {}, full_name(item)
    statuses = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    for container in statuses:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in STUCK:
            times = container.get("restartCount", 0)
            return f"{name} is in {waiting['reason']} after {times} restarts; kubectl logs tells why"
    since = world.now - (moment(item["metadata"].get("creationTimestamp")) or world.now)
    if status.get("phase") == "Pending" and since > world.limits.settle_minutes * 60:
        return f"{name} is Pending for {age(since)}; kubectl describe tells why"
    return ""
