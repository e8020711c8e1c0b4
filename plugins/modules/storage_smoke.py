#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_smoke
short_description: Write to a volume of each storage class, and read it from another pod
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Makes a claim of each class, lets a pod write to it, deletes that pod, and lets another one read, on another node
    where there is one. Looks whether what is mounted is what the class stands for, and not the node's own disk.
  - Everything lies in a namespace of its own, which is removed at the end with its volumes, also those of a class that
    retains them. What an interrupted run left is removed first.
  - Does not fail for what is found; that is for the caller.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
attributes:
  check_mode:
    description: Makes nothing and returns no rows.
  idempotent:
    description: Leaves nothing behind.
requirements:
  - kubernetes (Python package)
options:
  kubeconfig:
    description: Kubeconfig file on the host that runs the module.
    type: path
    required: true
    version_added: 0.1.0
  classes:
    description: Classes to try; without it all that make volumes on demand.
    type: list
    elements: str
    version_added: 0.1.0
  image:
    description: Image with a shell; the default is one that K3s itself uses.
    type: str
    default: rancher/mirrored-library-busybox:1.36.1
    version_added: 0.1.0
  timeout:
    description: Seconds that each of the two pods may take.
    type: int
    default: 180
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Try each storage class
  fletcherlabs.homelab.storage_smoke:
    kubeconfig: ~/.kube/k3s-home.yaml
  delegate_to: localhost
  register: smoke
"""

RETURN = r"""
rows:
  description: One judgement for each class, in the form of M(fletcherlabs.homelab.cluster_verdict).
  type: list
  elements: dict
  returned: success
  sample: [{area: storage, subject: longhorn, check: smoke, status: ok, said: written on k3s1 and read on k3s3}]
"""

import time
import uuid
from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import (
    KUBERNETES_PROBLEM,
    Cluster,
    ClusterError,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify import smoke

SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "classes": {"type": "list", "elements": "str"},
    "image": {"type": "str", "default": "rancher/mirrored-library-busybox:1.36.1"},
    "timeout": {"type": "int", "default": 180},
}
SPACE = f"/api/v1/namespaces/{smoke.NAMESPACE}"
POLL_SECONDS = 1.0
GONE_SECONDS = 120


class Trial:
    """All classes at once, step by step; a class with a problem takes no further step."""

    def __init__(self, cluster: Cluster, classes: dict[str, str], image: str, timeout: int) -> None:
        self.cluster, self.classes, self.image, self.timeout = cluster, classes, image, timeout
        self.token = uuid.uuid4().hex
        self.problems: dict[str, str] = {}
        self.nodes: dict[str, str] = {}
        self.rows: list[dict[str, str]] = []

    def run(self) -> None:
        """Write, delete, read, judge."""
        for name in self.classes:
            self.cluster.request("POST", f"{SPACE}/persistentvolumeclaims", smoke.claim(name))
            self._start(name, "write")
        written = self._await("write")
        for name, pod in written.items():
            self.nodes[name] = str((pod.get("spec") or {}).get("nodeName") or "a node")
            self._own(name)
            self.cluster.request("DELETE", f"{SPACE}/pods/write-{name}")
        until(lambda: not any(self._pod("write", name) for name in written), GONE_SECONDS)
        for name in written:
            self._start(name, "read", self.nodes[name])
        for name, pod in self._await("read").items():
            self.problems[name] = self._judge(name, smoke.told(pod))
            where = f"written on {self.nodes[name]} and read on {(pod.get('spec') or {}).get('nodeName') or 'a node'}"
            self.rows.append(smoke.row(name, self.problems[name], where))
        self.rows += [smoke.row(name, self.problems[name]) for name in self.classes if name not in written]
        tried = {row["subject"] for row in self.rows}
        self.rows += [smoke.row(name, self.problems[name]) for name in self.classes if name not in tried]
        self.rows.sort(key=lambda row: row["subject"])

    def _start(self, name: str, role: str, elsewhere: str = "") -> None:
        body = smoke.pod(name, role, self.image, self.token, elsewhere)
        self.cluster.request("POST", f"{SPACE}/pods", body)

    def _pod(self, role: str, name: str) -> dict[str, Any] | None:
        return self.cluster.find(f"{SPACE}/pods/{role}-{name}")

    def _await(self, role: str) -> dict[str, dict[str, Any]]:
        """The pods that ended well; the others become problems."""
        names = [name for name in self.classes if name not in self.problems]
        pods: dict[str, dict[str, Any]] = {}

        def over() -> bool:
            pods.update({name: self._pod(role, name) or {} for name in names if not smoke.ended(pods.get(name, {}))})
            return all(smoke.ended(pods[name]) for name in names)

        until(over, self.timeout)
        well = {name: pod for name, pod in pods.items() if smoke.told(pod)}
        events = self.cluster.get(f"{SPACE}/events")["items"] if len(well) < len(names) else []
        for name in sorted(set(names) - set(well)):
            said = smoke.warning(events, (name, f"{role}-{name}"))
            how = "failed" if smoke.ended(pods[name]) else f"did not end in {self.timeout} s"
            self.problems[name] = f"the pod that was to {role} {how}{said}; look at the class's provisioner"
        return well

    def _judge(self, name: str, seen: smoke.Seen | None) -> str:
        if seen is None or seen.token != self.token:
            return "what one pod wrote is not what the next one read; use this class for nothing before that is clear"
        wrong = smoke.wrong_device(self.classes[name], seen)
        return f"mounted is {wrong}; look at the kubelet root of its driver" if wrong else ""

    def _own(self, name: str) -> None:
        """The volume goes with its claim, whatever the class says."""
        volume = (self.cluster.get(f"{SPACE}/persistentvolumeclaims/{name}").get("spec") or {}).get("volumeName")
        if volume:
            policy = {"spec": {"persistentVolumeReclaimPolicy": "Delete"}}
            self.cluster.merge(f"/api/v1/persistentvolumes/{volume}", policy)


def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Poll until something is so or the time is over."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def remove(cluster: Cluster) -> None:
    """Take the namespace away where it is there, and wait for it; one that is not ours stays."""
    found = cluster.find(SPACE)
    if found is None:
        return
    if not smoke.MARK.items() <= (found["metadata"].get("labels") or {}).items():
        raise ClusterError(f"the namespace {smoke.NAMESPACE} is somebody else's; remove or rename it")
    if not found["metadata"].get("deletionTimestamp"):
        cluster.request("DELETE", SPACE)
    if not until(lambda: cluster.find(SPACE) is None, GONE_SECONDS):
        raise ClusterError(f"the namespace {smoke.NAMESPACE} does not go away; kubectl describe tells why")


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if KUBERNETES_PROBLEM:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_PROBLEM)
    if module.check_mode:
        module.exit_json(changed=False, rows=[])
    wish = module.params
    try:
        cluster = Cluster(wish["kubeconfig"])
        classes = dict(smoke.testable(cluster.get("/apis/storage.k8s.io/v1/storageclasses")["items"]))
        missing = sorted(set(wish["classes"] or ()) - set(classes))
        if missing:
            module.fail_json(msg=f"there is no class {', '.join(missing)}; found are {', '.join(classes) or 'none'}")
        trial = Trial(
            cluster, {name: classes[name] for name in wish["classes"] or classes}, wish["image"], wish["timeout"]
        )
        remove(cluster)
        cluster.request("POST", "/api/v1/namespaces", smoke.namespace())
        try:
            trial.run()
        finally:
            remove(cluster)
    except ClusterError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, rows=trial.rows)


if __name__ == "__main__":
    main()
