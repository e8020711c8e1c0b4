# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small homelab in which everything is well, as plain data that a test may spoil."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.model import World

NOW = 1750000000.0  # 2025-06-15T15:06:40Z
RECENTLY = "2025-06-15T15:00:00Z"
LONG_AGO = "2025-06-01T00:00:00Z"
VERSION = "v1.32.5+k3s1"
LAYERS = ("hosts", "cluster", "network", "storage", "gpu", "gitops")
ADDRESSES = {"master": "192.0.2.30", "worker": "192.0.2.21", "store": "192.0.2.31", "nas": "192.0.2.100"}
OPTANE = "INTEL SSDPEK1A118GA"


def named(name: str, namespace: str = "", **parts: Any) -> dict[str, Any]:
    metadata = {"name": name, "generation": 1, "creationTimestamp": LONG_AGO, "labels": {}, "annotations": {}}
    return {"metadata": metadata | ({"namespace": namespace} if namespace else {})} | parts


def conditions(**states: str) -> list[dict[str, str]]:
    return [
        {"type": kind, "status": status, "message": "Applied revision: main@sha1:abc", "lastTransitionTime": LONG_AGO}
        for kind, status in states.items()
    ]


def node(machine: str, labels: dict[str, str], **allocatable: str) -> dict[str, Any]:
    item = named(machine, spec={"taints": []})
    item["metadata"]["labels"] = labels
    item["status"] = {
        "conditions": conditions(MemoryPressure="False", DiskPressure="False", Ready="True"),
        "nodeInfo": {"kubeletVersion": VERSION},
        "addresses": [{"type": "InternalIP", "address": ADDRESSES[machine]}],
        "allocatable": {key.replace("__", "/").replace("_", "."): value for key, value in allocatable.items()},
    }
    return item


def workload(name: str, namespace: str) -> dict[str, Any]:
    status = {"observedGeneration": 1, "numberReady": 3, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3}
    status |= {"readyReplicas": 1, "updatedReplicas": 1}
    return named(name, namespace, spec={"replicas": 1}, status=status)


def flux(name: str, namespace: str = "flux-system", **spec: Any) -> dict[str, Any]:
    return named(name, namespace, spec=spec, status={"conditions": conditions(Ready="True"), "observedGeneration": 1})


def disk(serial: str, *mounts: str, model: str = OPTANE) -> dict[str, Any]:
    return {"device": f"/dev/{serial}", "serial": serial, "model": model, "transport": "nvme", "mounts": list(mounts)}


def machine(name: str, group: str, disks: int = 0, **wish: Any) -> dict[str, Any]:
    described = {"address": ADDRESSES[name], "vendor": "Dell", "product": "R630", "nics": [{"name": "eno1"}]}
    described["disks"] = [{"model": "system", "slot": "system", "size_gb": 365}] * disks
    return {"group_names": [group], "homelab_machine": described, "homelab_node": wish}


def seen(unit: str) -> dict[str, Any]:
    certificate = {"path": "/x/client.crt", "days_left": 300, "authority": False}
    return {
        "machine": {"problems": [], "notices": [], "network": [], "machine": {"system": "debian-12"}},
        "k3s": {"version": VERSION, "units": [unit], "active": [unit], "datastore": "etcd"},
        "certificates": {"days_left": 300, "certificates": [certificate], "problems": []},
        "storage": {"problems": [], "directories": [{"path": "/var/lib/longhorn", "size": 5 * 10**11}]},
        "disks": {
            "disks": [disk("boot", "/", model="system"), disk("o1", "/mnt/optane-1"), disk("o2", "/mnt/optane-2")]
        },
        "gpus": {"problems": [], "driver_problems": [], "reboot_blockers": []},
        "nfs": {"nas": {"problems": [], "mounts": []}},
    }


def machines() -> dict[str, Any]:
    found = {
        "master": machine("master", "k3s_server", labels={"node-type": "control"}, taints=[]),
        "worker": machine("worker", "k3s_agent", labels={"bgp": "enabled"}, tiers=["general"], gpu={"shared": 10}),
        "store": machine("store", "k3s_agent", 1, tiers=[{"name": "optane", "count": 2}], gpu={"replicas": 4}),
        "nas": machine("nas", "storage_host") | {"homelab_exports": ["/mnt/rust/media"]},
    }
    found["worker"]["homelab_machine"]["gpus"] = [{"vendor": "intel", "model": "UHD 630"}]
    found["store"]["homelab_machine"]["gpus"] = [{"vendor": "nvidia", "model": "Tesla T4"}]
    return found


SITE = {
    "homelab_name": "home",
    "homelab_k3s_version": VERSION,
    "homelab_default_storage_class": "longhorn",
    "homelab_tiers": {
        "optane": {"select": {"model": ["INTEL*"]}, "mount": "/mnt/optane-{n}", "storage_class": "longhorn-optane"},
        "general": {"directory": "/var/lib/longhorn", "reserve": "40%", "storage_class": "longhorn"},
    },
    "homelab_bgp": {"peer_address": "192.0.2.1"},
    "homelab_gateway": {"namespace": "networking", "name": "main", "address": "192.0.2.224", "tls_secret": "wild"},
}


def objects() -> dict[str, Any]:
    control = {"node-role.kubernetes.io/control-plane": "true", "node-type": "control"}
    longhorn = {"disks": {"d1": {}}}
    ready = {"diskStatus": {"d1": {"conditions": conditions(Ready="True")}}}
    driver = {"drivers": [{"name": "driver.longhorn.io"}]}
    default = named("longhorn", provisioner="driver.longhorn.io")
    default["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    listener = {"name": "https", "conditions": conditions(ResolvedRefs="True", Programmed="True")}
    gateway = {"conditions": conditions(Programmed="True"), "addresses": [{"value": "192.0.2.224"}]}
    peers = {"bgpInstances": [{"peers": [{"peeringState": "established"}]}]}
    return {
        "nodes": [
            node("master", control),
            node("worker", {"bgp": "enabled"}, gpu_intel_com__i915="10"),
            node("store", {}, nvidia_com__gpu="4"),
        ],
        "pods": [named("web", "media", status={"phase": "Running", "containerStatuses": [{"state": {}}]})],
        "persistentvolumes": [named("pv-1", spec={}, status={"phase": "Bound"})],
        "persistentvolumeclaims": [named("films", "media", spec={}, status={"phase": "Bound"})],
        "daemonsets": [workload("cilium", "kube-system")],
        "deployments": [
            workload("cilium-operator", "kube-system"),
            *(workload(name, "flux-system") for name in ("source-controller", "kustomize-controller")),
        ],
        "storageclasses": [default, named("longhorn-optane"), named("local-path")],
        "csinodes": [named("worker", spec=driver), named("store", spec=driver)],
        "etcdsnapshotfiles": [named("s1", spec={"nodeName": "master"}, status={"creationTime": RECENTLY})],
        "volumes": [named("pvc-1", "longhorn-system", status={"robustness": "healthy"})],
        "longhorn-nodes": [named(name, spec=longhorn, status=ready) for name in ("worker", "store")],
        "gateways": [named("main", "networking", status=gateway | {"listeners": [listener]})],
        "gatewayclasses": [named("cilium", status={"conditions": conditions(Accepted="True")})],
        "ciliumloadbalancerippools": [named("pool")],
        "ciliumbgpnodeconfigs": [named("worker", status=peers)],
        "certificates": [named("wild", "networking", spec={"secretName": "wild"}, status=gateway | {"notAfter": "x"})],
        "gitrepositories": [flux("flux-system")],
        "helmrepositories": [flux("longhorn"), named("oci", "flux-system", spec={"type": "oci"})],
        "kustomizations": [flux("apps")],
        "helmreleases": [flux("longhorn", "longhorn-system")],
    }


class Home:
    """Everything that a World is made of."""

    def __init__(self) -> None:
        self.site: dict[str, Any] = copy.deepcopy(SITE)
        self.machines = machines()
        self.evidence = {name: seen("k3s-agent.service") for name in ("worker", "store")}
        self.evidence["master"] = seen("k3s.service")
        self.evidence["nas"] = {"machine": seen("")["machine"], "nfs": {}}
        self.objects = copy.deepcopy(objects())
        self.objects["certificates"][0]["status"]["conditions"] = conditions(Ready="True")
        self.silence = ""
        self.layers = LAYERS
        self.backup: float | None = NOW - 3600

    def one(self, plural: str, name: str) -> dict[str, Any]:
        """One object to spoil."""
        return next(item for item in self.objects[plural] if item["metadata"]["name"] == name)

    def world(self) -> World:
        """What the judge gets."""
        return World(self.site, self.machines, self.evidence, self.objects, NOW, self.silence, self.layers, self.backup)
