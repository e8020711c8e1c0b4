# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the small homelab: the row that tells of each, a part of its sentence, and how to cause it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.unit.verified_home import LONG_AGO, Home, disk, node

Spoil = Callable[[Home], Any]


def condition(item: dict[str, Any], kind: str, status: str, **more: str) -> None:
    entries = item["status"]["conditions"]
    item["status"]["conditions"] = [entry for entry in entries if entry["type"] != kind]
    item["status"]["conditions"].append({"type": kind, "status": status, "lastTransitionTime": LONG_AGO} | more)


def label(home: Home, name: str) -> None:
    home.one("nodes", name)["metadata"]["labels"]["node-role.kubernetes.io/control-plane"] = "true"


def second_default(home: Home) -> None:
    mark = {"storageclass.kubernetes.io/is-default-class": "true"}
    home.one("storageclasses", "local-path")["metadata"]["annotations"] = mark


def crash(home: Home) -> None:
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    home.objects["pods"][0]["status"]["containerStatuses"] = [{"restartCount": 9, "state": waiting}]


def near_end(home: Home) -> None:
    home.evidence["store"]["certificates"]["certificates"][0]["days_left"] = 12


def old_snapshot(home: Home) -> None:
    home.objects["etcdsnapshotfiles"][0]["status"]["creationTime"] = LONG_AGO


FAULTS: dict[str, tuple[str, str, Spoil]] = {
    "silent machine": (
        "machines/store/answers",
        "look at its console",
        lambda h: h.evidence["store"].update(unreachable="Connection timed out"),
    ),
    "clock": (
        "machines/worker/fit",
        "its clock is wrong",
        lambda h: h.evidence["worker"]["machine"].update(problems=["worker: its clock is wrong"]),
    ),
    "slow link": (
        "machines/worker/network",
        "check cable or port (playbooks/diagnose.yml tells more)",
        lambda h: h.evidence["worker"]["machine"].update(
            network=["worker: link eno1 negotiated 100 Mb/s, expected 2500: check cable or port"],
            notices=["worker: link eno1 negotiated 100 Mb/s, expected 2500: check cable or port"],
        ),
    ),
    "foreign fstab bind": (
        "machines/worker/kubelet",
        "remove the entry",
        lambda h: h.evidence["worker"]["machine"].update(
            problems=["worker: /etc/fstab mounts /var/lib/kubelet/x, which belongs to the kubelet; remove the entry"]
        ),
    ),
    "K3s stopped": ("machines/worker/k3s", "start it", lambda h: h.evidence["worker"]["k3s"].update(active=[])),
    "no unit": (
        "machines/worker/k3s",
        "playbooks/cluster.yml",
        lambda h: h.evidence["worker"]["k3s"].update(active=[], units=[]),
    ),
    "certificate near its end": ("machines/store/certificates", "rotate_certificates.yml", near_end),
    "node missing": (
        "nodes/worker/ready",
        "is no node of the cluster",
        lambda h: h.objects["nodes"].remove(h.one("nodes", "worker")),
    ),
    "node not Ready": (
        "nodes/worker/ready",
        "journalctl",
        lambda h: condition(
            h.one("nodes", "worker"), "Ready", "Unknown", message="Kubelet stopped posting node status."
        ),
    ),
    "disk pressure": (
        "nodes/worker/ready",
        "free some",
        lambda h: condition(h.one("nodes", "worker"), "DiskPressure", "True", message="kubelet has disk pressure"),
    ),
    "cordoned": (
        "nodes/worker/takes-pods",
        "kubectl uncordon worker",
        lambda h: h.one("nodes", "worker")["spec"].update(
            unschedulable=True, taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]
        ),
    ),
    "wrong version": (
        "nodes/worker/version",
        "upgrade_cluster.yml",
        lambda h: h.one("nodes", "worker")["status"].update(nodeInfo={"kubeletVersion": "v1.31.9+k3s1"}),
    ),
    "second server": ("nodes/worker/role", "rebuild_node.yml", lambda h: label(h, "worker")),
    "label removed": (
        "nodes/worker/labels",
        "expected bgp=enabled",
        lambda h: h.one("nodes", "worker")["metadata"].update(labels={}),
    ),
    "foreign taint": (
        "nodes/worker/taints",
        "kubectl taint",
        lambda h: h.one("nodes", "worker")["spec"].update(
            taints=[{"key": "gpu", "value": "nvidia", "effect": "NoSchedule"}]
        ),
    ),
    "wrong address": (
        "nodes/worker/address",
        "set node-ip",
        lambda h: h.one("nodes", "worker")["status"].update(addresses=[{"type": "InternalIP", "address": "10.0.0.9"}]),
    ),
    "stranger": ("nodes/cluster/members", "kubectl delete node", lambda h: h.objects["nodes"].append(node("nas", {}))),
    "no backup": ("datastore/cluster/backup", "back_up_cluster.yml", lambda h: setattr(h, "backup", None)),
    "stale snapshot": ("datastore/master/snapshot", "14 days old", old_snapshot),
    "agents not ready": (
        "network/cilium/agents",
        "2 of 3",
        lambda h: h.one("daemonsets", "cilium")["status"].update(numberReady=2),
    ),
    "Gateway without address": (
        "network/gateway/programmed",
        "no address",
        lambda h: h.one("gateways", "main")["status"].update(addresses=[]),
    ),
    "Gateway's certificate": (
        "network/gateway/certificate",
        "CertificateRequest",
        lambda h: condition(h.one("certificates", "wild"), "Ready", "False", message="HTTP-01 cannot issue a wildcard"),
    ),
    "pools quarrel": (
        "network/cilium/pools",
        "remove one",
        lambda h: h.one("ciliumloadbalancerippools", "pool").update(
            status={"conditions": [{"type": "cilium.io/PoolConflict", "status": "True"}]}
        ),
    ),
    "BGP session": (
        "network/bgp/sessions",
        "docs/router.md",
        lambda h: h.one("ciliumbgpnodeconfigs", "worker").update(
            status={"bgpInstances": [{"peers": [{"peeringState": "active"}]}]}
        ),
    ),
    "tier unmounted": (
        "storage/store/tier-optane",
        "nothing is mounted at /mnt/optane-2",
        lambda h: h.evidence["store"]["disks"]["disks"].pop(),
    ),
    "mount point on the root disk": (
        "storage/store/tier-optane",
        "the system disk",
        lambda h: h.evidence["store"]["disks"].update(
            disks=[disk("boot", "/", "/mnt/optane-1"), disk("o2", "/mnt/optane-2")]
        ),
    ),
    "wrong disk": (
        "storage/store/tier-optane",
        "not of this tier",
        lambda h: h.evidence["store"]["disks"]["disks"][1].update(model="Samsung SSD 980 PRO"),
    ),
    "directory is a link": (
        "storage/worker/tier-general",
        "symbolic link",
        lambda h: h.evidence["worker"]["storage"].update(
            problems=["/var/lib/longhorn leads to /x by a symbolic link; name /x"]
        ),
    ),
    "CSI driver missing": (
        "storage/store/csi-driver",
        "kubelet root",
        lambda h: h.one("csinodes", "store").update(spec={"drivers": None}),
    ),
    "class missing": (
        "storage/classes/present",
        "playbooks/storage.yml",
        lambda h: h.objects["storageclasses"].remove(h.one("storageclasses", "longhorn-optane")),
    ),
    "second default class": ("storage/classes/default", "take the mark off", second_default),
    "volume Released": (
        "storage/volumes/released",
        "claimRef",
        lambda h: h.objects["persistentvolumes"][0].update(
            status={"phase": "Released"}, spec={"claimRef": {"namespace": "media", "name": "films"}}
        ),
    ),
    "claim Pending": (
        "storage/claims/bound",
        "kubectl describe",
        lambda h: h.objects["persistentvolumeclaims"][0].update(
            status={"phase": "Pending"}, spec={"storageClassName": "longhorn"}
        ),
    ),
    "volume degraded": (
        "storage/longhorn/volumes",
        "wait for its rebuild",
        lambda h: h.objects["volumes"][0].update(
            status={"robustness": "degraded", "kubernetesStatus": {"pvcName": "films"}}
        ),
    ),
    "Longhorn's disk": (
        "storage/store/longhorn-disks",
        "d1 is not Ready",
        lambda h: h.one("longhorn-nodes", "store").update(
            status={"diskStatus": {"d1": {"conditions": [{"type": "Ready", "status": "False"}]}}}
        ),
    ),
    "export gone": (
        "nfs/worker/nas",
        "playbooks/storage.yml --limit nas",
        lambda h: h.evidence["worker"]["nfs"]["nas"].update(problems=["192.0.2.100 does not export /mnt/rust/media"]),
    ),
    "card gone": (
        "gpu/store/cards",
        "not on the bus",
        lambda h: h.evidence["store"]["gpus"].update(problems=["Tesla T4 is not on the bus"]),
    ),
    "GPU count wrong": (
        "gpu/store/allocatable-nvidia",
        "expected 4",
        lambda h: h.one("nodes", "store")["status"].update(allocatable={"nvidia.com/gpu": "1"}),
    ),
    "Flux gone": (
        "gitops/flux/controllers",
        "source-controller is not there",
        lambda h: h.objects["deployments"].remove(h.one("deployments", "source-controller")),
    ),
    "source fails": (
        "gitops/flux-system/flux-system/GitRepository",
        "flux reconcile source git",
        lambda h: condition(h.one("gitrepositories", "flux-system"), "Ready", "False", message="host key mismatch"),
    ),
    "Kustomization fails": (
        "gitops/flux-system/apps/Kustomization",
        "no matches for kind",
        lambda h: condition(
            h.one("kustomizations", "apps"), "Ready", "False", message="no matches for kind GpuDevicePlugin"
        ),
    ),
    "suspended": (
        "gitops/flux-system/apps/Kustomization",
        "flux resume",
        lambda h: h.one("kustomizations", "apps")["spec"].update(suspend=True),
    ),
    "HelmRelease hangs": (
        "gitops/longhorn-system/longhorn/HelmRelease",
        "nobody looked",
        lambda h: h.one("helmreleases", "longhorn")["metadata"].update(generation=2),
    ),
    "pod crashes": ("workloads/pods/running", "9 restarts", crash),
}
