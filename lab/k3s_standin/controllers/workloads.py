# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DOUBLE of the workload controllers: enough of each for a client that waits for a rollout.

A rollout replaces everything at once; surge, partitions, deadlines and history are not imitated.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.errors import Obj
from lab.k3s_standin.controllers import placing
from lab.k3s_standin.controllers.owned import Owned, ready

DEPLOYMENTS, REPLICA_SETS = "deployments.apps", "replicasets.apps"
DAEMON_SETS, STATEFUL_SETS, JOBS = "daemonsets.apps", "statefulsets.apps", "jobs.batch"
KEYS = (DEPLOYMENTS, REPLICA_SETS, DAEMON_SETS, STATEFUL_SETS, JOBS, "pods", "nodes")
INTERVAL = 30.0
_HASH_LABEL = "pod-template-hash"
_REVISION_LABEL = "controller-revision-hash"


@dataclass
class Workloads:
    """All workload kinds; one reconciliation looks at all of them."""

    client: Client

    def sync(self) -> None:
        """Bring all workloads up to date."""
        for key, step in (
            (DEPLOYMENTS, self._deployment),
            (REPLICA_SETS, self._replica_set),
            (DAEMON_SETS, self._daemon_set),
            (STATEFUL_SETS, self._stateful_set),
            (JOBS, self._job),
        ):
            for item in self.client.list(key):
                if not item["metadata"].get("deletionTimestamp"):
                    step(item)

    def _deployment(self, deployment: Obj) -> None:
        owned = Owned(self.client, deployment, REPLICA_SETS)
        spec, metadata = deployment["spec"], deployment["metadata"]
        digest, wanted = template_hash(spec["template"]), _count(spec.get("replicas"))
        name, current = f"{metadata['name']}-{digest}", None
        for item in owned.all():
            replicas = wanted if item["metadata"]["name"] == name else 0
            current = item if item["metadata"]["name"] == name else current
            if item["spec"].get("replicas") != replicas:
                self.client.patch(
                    REPLICA_SETS, item["metadata"]["name"], {"spec": {"replicas": replicas}}, metadata["namespace"]
                )
        if current is None:
            self.client.create(_replica_set(deployment, owned.reference(), name, digest, wanted))
            return
        status = current.get("status") or {}
        counts = {field: status.get(field, 0) for field in ("replicas", "readyReplicas", "availableReplicas")}
        complete = counts["availableReplicas"] == wanted
        conditions = [
            {"type": "Available", "status": str(complete), "reason": "MinimumReplicasAvailable"},
            {
                "type": "Progressing",
                "status": "True",
                "reason": "NewReplicaSetAvailable" if complete else "ReplicaSetUpdated",
            },
        ]
        missing = wanted - counts["availableReplicas"]
        more = {"updatedReplicas": counts["replicas"], "unavailableReplicas": max(0, missing), "conditions": conditions}
        owned.report(DEPLOYMENTS, {**counts, **more})

    def _replica_set(self, item: Obj) -> None:
        owned = Owned(self.client, item)
        pods, wanted = owned.all(), _count(item["spec"].get("replicas"))
        for _ in range(wanted - len(pods)):
            owned.create_pod()
        for pod in sorted(pods, key=ready)[: max(0, len(pods) - wanted)]:
            owned.delete(pod)
        running = sum(map(ready, pods))
        owned.report(REPLICA_SETS, {"replicas": len(pods), "readyReplicas": running, "availableReplicas": running})

    def _daemon_set(self, item: Obj) -> None:
        owned = Owned(self.client, item)
        spec = item["spec"]["template"]["spec"]
        spec = {**spec, "tolerations": placing.daemon_tolerations(spec)}
        digest = template_hash(item["spec"]["template"])
        wanted = {node["metadata"]["name"] for node in self.client.list("nodes") if placing.fits(spec, node)}
        pods = {pod["spec"].get("nodeName"): pod for pod in owned.all()}
        for name, pod in pods.items():
            if name not in wanted or pod["metadata"].get("annotations", {}).get(_REVISION_LABEL) != digest:
                owned.delete(pod)
        for name in sorted(wanted - pods.keys()):
            owned_item = Owned(self.client, _revised(item, digest))
            owned_item.create_pod(nodeName=name, tolerations=spec["tolerations"])
        running = sum(1 for name, pod in pods.items() if name in wanted and ready(pod))
        fields = ("numberReady", "numberAvailable")
        counts = {"desiredNumberScheduled": len(wanted), "currentNumberScheduled": len(pods), "numberMisscheduled": 0}
        counts |= dict.fromkeys(fields, running) | {"updatedNumberScheduled": len(pods)}
        owned.report(DAEMON_SETS, {**counts, "numberUnavailable": len(wanted) - running})

    def _stateful_set(self, item: Obj) -> None:
        owned = Owned(self.client, _revised(item, template_hash(item["spec"]["template"])))
        digest, wanted = template_hash(item["spec"]["template"]), _count(item["spec"].get("replicas"))
        names = {f"{item['metadata']['name']}-{index}" for index in range(wanted)}
        pods = {pod["metadata"]["name"]: pod for pod in owned.all()}
        for name, pod in pods.items():
            if name not in names or pod["metadata"].get("annotations", {}).get(_REVISION_LABEL) != digest:
                owned.delete(pod)
        for name in sorted(names - pods.keys()):
            owned.create_pod(name)
        running = sum(map(ready, pods.values()))
        counts = {"replicas": len(pods), "readyReplicas": running, "availableReplicas": running}
        more = {"currentReplicas": len(pods), "updatedReplicas": len(pods)}
        owned.report(STATEFUL_SETS, {**counts, **more, "currentRevision": digest, "updateRevision": digest})

    def _job(self, item: Obj) -> None:
        owned = Owned(self.client, item)
        pods, wanted = owned.all(), _count(item["spec"].get("completions"))
        succeeded = sum(1 for pod in pods if (pod.get("status") or {}).get("phase") == "Succeeded")
        for _ in range(wanted - len(pods)):
            owned.create_pod()
        status: Obj = {"succeeded": succeeded, "active": max(0, wanted - succeeded)}
        if succeeded >= wanted and not (item.get("status") or {}).get("completionTime"):
            stamp = max((pod["status"].get("startTime", "") for pod in pods), default="") or None
            status |= {
                "startTime": stamp,
                "completionTime": stamp,
                "conditions": [{"type": "Complete", "status": "True"}],
            }
        owned.report(JOBS, status)


def template_hash(template: Obj) -> str:
    """A short name for a pod template."""
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]


def _count(replicas: int | None) -> int:
    return 1 if replicas is None else replicas


def _revised(item: Obj, digest: str) -> Obj:
    """The workload with its revision in the template, so that its pods carry it."""
    template = item["spec"]["template"]
    metadata = template.get("metadata") or {}
    annotations = {**(metadata.get("annotations") or {}), _REVISION_LABEL: digest}
    return {
        **item,
        "spec": {**item["spec"], "template": {**template, "metadata": {**metadata, "annotations": annotations}}},
    }


def _replica_set(deployment: Obj, owner: Obj, name: str, digest: str, replicas: int) -> Obj:
    template, spec = deployment["spec"]["template"], deployment["spec"]
    labels = {**((template.get("metadata") or {}).get("labels") or {}), _HASH_LABEL: digest}
    selector = {**spec["selector"], "matchLabels": {**(spec["selector"].get("matchLabels") or {}), _HASH_LABEL: digest}}
    metadata = {
        "name": name,
        "namespace": deployment["metadata"]["namespace"],
        "labels": labels,
        "ownerReferences": [owner],
    }
    hashed = {**template, "metadata": {**(template.get("metadata") or {}), "labels": labels}}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": metadata,
        "spec": {"replicas": replicas, "selector": selector, "template": hashed},
    }
