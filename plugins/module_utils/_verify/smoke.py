# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: a claim of each storage class, written by one pod and read by another; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
NAMESPACE = "homelab-verify-smoke"
MARK = {"homelab.fletcherlabs.net/smoke": "true"}
NO_PROVISIONER = "kubernetes.io/no-provisioner"
LONGHORN, LOCAL = "driver.longhorn.io", "rancher.io/local-path"
SEE = "grep ' /data ' /proc/mounts | head -n 1 > /dev/termination-log"
WRITE = f'set -e; printf "%s" "$TOKEN" > /data/token; sync; {SEE}'
READ = f"set -e; {SEE}; cat /data/token >> /dev/termination-log"


@dataclass(frozen=True)
class Seen:
    """What a pod told before it ended."""

    source: str
    kind: str
    token: str


def namespace() -> dict[str, Any]:
    """The namespace that everything lies in, and goes with."""
    labels = MARK | {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def claim(storage_class: str) -> dict[str, Any]:
    """A small claim of the class."""
    spec = {
        "storageClassName": storage_class,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "64Mi"}},
    }
    metadata = {"name": storage_class, "labels": MARK}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def pod(storage_class: str, role: str, image: str, token: str, elsewhere: str = "") -> dict[str, Any]:
    """A pod that writes or reads; the reader on another node than the writer, where there is one."""
    container = {
        "name": role,
        "image": image,
        "command": ["sh", "-c", WRITE if role == "write" else READ],
        "env": [{"name": "TOKEN", "value": token}] if role == "write" else [],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "runAsGroup": 1000,
            "fsGroup": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": storage_class}}],
    }
    if elsewhere:
        rule = {"key": "kubernetes.io/hostname", "operator": "NotIn", "values": [elsewhere]}
        wish = {"weight": 100, "preference": {"matchExpressions": [rule]}}
        spec["affinity"] = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [wish]}}
    metadata = {"name": f"{role}-{storage_class}", "labels": MARK}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def ended(item: Object) -> bool:
    """Whether a pod has come to its end, well or not."""
    return (item.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def told(item: Object) -> Seen | None:
    """What an ended pod left as its last words; None where it failed or said nothing of use."""
    status = item.get("status") or {}
    containers = status.get("containerStatuses") or [{}]
    message = str(((containers[0].get("state") or {}).get("terminated") or {}).get("message") or "")
    words, _newline, token = message.partition("\n")
    parts = words.split()
    if status.get("phase") != "Succeeded" or len(parts) < 3:
        return None
    return Seen(parts[0], parts[2], token.strip())


def wrong_device(provisioner: str, seen: Seen) -> str:
    """Why what is mounted is not what the class stands for; empty where it is."""
    if seen.kind in ("overlay", "tmpfs"):
        return f"{seen.source} ({seen.kind}), which goes with the pod"
    is_nfs = seen.kind.startswith("nfs")
    if provisioner == LONGHORN and not is_nfs and not seen.source.startswith(("/dev/longhorn/", "/dev/mapper/")):
        return f"{seen.source} ({seen.kind}), no device of Longhorn: writes go to the node's own disk"
    if "nfs" in provisioner and not is_nfs:
        return f"{seen.source} ({seen.kind}), no NFS: writes go to the node's own disk"
    return ""


def row(storage_class: str, problem: str, well: str = "") -> dict[str, str]:
    """A row of the report."""
    status = "bad" if problem else "ok"
    return {"area": "storage", "subject": storage_class, "check": "smoke", "status": status, "said": problem or well}


def testable(classes: Iterable[Object]) -> Iterator[tuple[str, str]]:
    """Names and provisioners of classes that make volumes on demand."""
    for item in sorted(classes, key=lambda item: item["metadata"]["name"]):
        if item.get("provisioner") != NO_PROVISIONER:
            yield item["metadata"]["name"], str(item.get("provisioner"))


def warning(events: Iterable[Object], names: Iterable[str]) -> str:
    """The newest warning about one of these objects, in brackets; empty without one."""
    wanted = set(names)
    ours = [item for item in events if item.get("type") == "Warning" and item["involvedObject"].get("name") in wanted]
    ours.sort(key=lambda item: item.get("lastTimestamp") or item.get("eventTime") or "")
    return f" ({str(ours[-1].get('message')).strip().splitlines()[0]})" if ours else ""
