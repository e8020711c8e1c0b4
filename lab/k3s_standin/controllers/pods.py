# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DOUBLE of scheduler and container runtime: pods are placed by the real rules and then said to run.

Nothing is started. Every such pod says so in its annotation and its status message.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.errors import Obj
from lab.k3s_standin.controllers import placing

KEYS = ("pods", "nodes")
INTERVAL = 30.0
ANNOTATION = "lab.fletcherlabs.net/double"
MESSAGE = "pod never runs"


@dataclass
class Pods:
    """Scheduler, kubelets' pod workers and pod garbage collector in one reconciliation."""

    client: Client

    def sync(self) -> None:
        """Place, run, degrade or remove every pod that needs it."""
        pods = self.client.list("pods")
        if not pods:
            return
        nodes = {node["metadata"]["name"]: node for node in self.client.list("nodes")}
        load = {name: sum(1 for pod in pods if pod["spec"].get("nodeName") == name) for name in nodes}
        taken = {(pod.get("status") or {}).get("podIP") for pod in pods}
        for pod in pods:
            if pod["metadata"].get("deletionTimestamp"):
                continue
            name = pod["spec"].get("nodeName")
            if not name:
                self._place(pod, nodes, load)
            elif name not in nodes:
                self.client.delete("pods", pod["metadata"]["name"], pod["metadata"]["namespace"])
            else:
                self._run(pod, nodes[name], taken)

    def _place(self, pod: Obj, nodes: dict[str, Obj], load: dict[str, int]) -> None:
        fitting = sorted((load[name], name) for name, node in nodes.items() if placing.fits(pod["spec"], node))
        if fitting:
            chosen = fitting[0][1]
            load[chosen] += 1
            self._change(pod, lambda live: {**live, "spec": {**live["spec"], "nodeName": chosen}})
            return
        message = f"0/{len(nodes)} nodes are available: node selector, affinity or taints do not match the pod."
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        if _found(pod, "PodScheduled").get("message") != message:
            self._status(pod, {"phase": "Pending", "conditions": [{**condition, "lastTransitionTime": _now()}]})

    def _run(self, pod: Obj, node: Obj, taken: set[str | None]) -> None:
        ready = _found(node, "Ready").get("status", "False")
        status = pod.get("status") or {}
        # A pod in the host's network is how a network plugin itself comes up on a node that is not Ready yet.
        startable = ready == "True" or (ready == "False" and pod["spec"].get("hostNetwork"))
        if status.get("phase") in ("Succeeded", "Failed"):
            return
        if ready == "Unknown" and _found(pod, "Ready").get("status") == "True":
            self._status(pod, {**status, "conditions": _conditions("False")})
        elif startable and _found(pod, "Ready").get("status") != "True":
            self._status(pod, running(pod, node, taken))
            self._change(pod, _annotated)

    def _status(self, pod: Obj, status: Obj) -> None:
        metadata = pod["metadata"]
        self.client.patch("pods", metadata["name"], {"status": status}, metadata["namespace"], subresource="status")

    def _change(self, pod: Obj, edit: Callable[[Obj], Obj]) -> None:
        self.client.change("pods", pod["metadata"]["name"], edit, pod["metadata"]["namespace"])


def running(pod: Obj, node: Obj, taken: set[str | None]) -> Obj:
    """The status of a pod that runs; a Job's pod has already ended."""
    spec, stamp = pod["spec"], _now()
    addresses = (node.get("status") or {}).get("addresses") or []
    host = next((item["address"] for item in addresses if item["type"] == "InternalIP"), "")
    address = host if spec.get("hostNetwork") else (pod.get("status") or {}).get("podIP") or _free(node, taken)
    taken.add(address)
    done = any(owner["kind"] == "Job" for owner in pod["metadata"].get("ownerReferences") or [])
    ended = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": stamp, "finishedAt": stamp}}
    state = ended if done else {"running": {"startedAt": stamp}}
    return {
        "phase": "Succeeded" if done else "Running",
        "message": f"{ANNOTATION}: {MESSAGE}",
        "conditions": _conditions("False" if done else "True"),
        "hostIP": host,
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": stamp,
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container.get("image", ""),
                "imageID": "",
                "containerID": "",
                "ready": not done,
                "started": not done,
                "restartCount": 0,
                "state": state,
            }
            for container in spec.get("containers") or []
        ],
    }


def _annotated(pod: Obj) -> Obj:
    pod["metadata"].setdefault("annotations", {})[ANNOTATION] = MESSAGE
    return pod


def _conditions(ready: str) -> list[Obj]:
    rows = {"PodScheduled": "True", "Initialized": "True", "ContainersReady": ready, "Ready": ready}
    return [{"type": kind, "status": status, "lastTransitionTime": _now()} for kind, status in rows.items()]


def _free(node: Obj, taken: set[str | None]) -> str:
    network = ipaddress.ip_network((node.get("spec") or {}).get("podCIDR") or "10.42.255.0/24")
    return next((str(address) for address in network.hosts() if str(address) not in taken), "")


def _found(obj: Obj, kind: str) -> Obj:
    conditions = (obj.get("status") or {}).get("conditions") or []
    return next((item for item in conditions if item.get("type") == kind), {})


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
