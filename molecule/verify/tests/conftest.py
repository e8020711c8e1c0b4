# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's twin, made whole: doubles of what Longhorn, Flux and a device plugin would have put into the API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.twin import Run, Twin

ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
LONGHORN, FLUX = "longhorn-system", "flux-system"
KINDS = {
    "longhorn.io/v1beta2": {"nodes": "Node", "volumes": "Volume"},
    "source.toolkit.fluxcd.io/v1": {"gitrepositories": "GitRepository", "helmrepositories": "HelmRepository"},
    "kustomize.toolkit.fluxcd.io/v1": {"kustomizations": "Kustomization"},
    "helm.toolkit.fluxcd.io/v2": {"helmreleases": "HelmRelease"},
    "k3s.cattle.io/v1": {"etcdsnapshotfiles": "ETCDSnapshotFile"},
}
LAYERS = ["hosts", "cluster", "storage", "gpu", "gitops"]
LONG_AGO = "2025-01-01T00:00:00Z"


def definitions() -> list[dict[str, Any]]:
    found = []
    for version, kinds in KINDS.items():
        group, _slash, name = version.partition("/")
        for plural, kind in kinds.items():
            names = {"plural": plural, "kind": kind, "singular": kind.lower()}
            served = {"name": name, "served": True, "storage": True, "schema": {"openAPIV3Schema": ANYTHING}}
            scope = "Cluster" if plural == "etcdsnapshotfiles" else "Namespaced"
            spec = {"group": group, "scope": scope, "names": names, "versions": [served]}
            metadata = {"name": f"{plural}.{group}"}
            found.append(
                {
                    "apiVersion": "apiextensions.k8s.io/v1",
                    "kind": "CustomResourceDefinition",
                    "metadata": metadata,
                    "spec": spec,
                }
            )
    return found


def item(version: str, kind: str, name: str, namespace: str = "", **parts: Any) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata | parts.pop("metadata", {})} | parts


def ready() -> dict[str, Any]:
    message = "Applied revision: main@sha1:0123456"
    condition = {"type": "Ready", "status": "True", "message": message, "lastTransitionTime": LONG_AGO}
    # more than any generation that a test makes
    return {"conditions": [condition], "observedGeneration": 99}


def healthy() -> list[dict[str, Any]]:
    """What a healthy cluster of these layers has beside its nodes."""
    labels = {"matchLabels": {"app": "x"}}
    # on the server, so that they outlive the worker
    pod = {"containers": [{"name": "c", "image": "i"}], "nodeName": "k3s-master1"}
    template = {"metadata": {"labels": {"app": "x"}}, "spec": pod}
    mark = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    driver = {"name": "driver.longhorn.io", "nodeID": "k3s1", "topologyKeys": None}
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    spec = {"replicas": 1, "selector": labels, "template": template}
    claim = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    volume = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany"], "nfs": {"server": "s", "path": "/x"}}
    return [
        item("apps/v1", "Deployment", "source-controller", FLUX, spec=spec),
        item("apps/v1", "Deployment", "kustomize-controller", FLUX, spec=spec),
        item("storage.k8s.io/v1", "StorageClass", "longhorn", provisioner=driver["name"], metadata=mark),
        item("storage.k8s.io/v1", "StorageClass", "spare", provisioner="example.net/x"),
        item("storage.k8s.io/v1", "CSINode", "k3s1", spec={"drivers": [driver]}),
        item("v1", "PersistentVolume", "films", spec=volume | {"persistentVolumeReclaimPolicy": "Retain"}),
        item("v1", "PersistentVolumeClaim", "films", "default", spec=claim | {"volumeName": "films"}),
        item("longhorn.io/v1beta2", "Volume", "pvc-1", LONGHORN, status={"robustness": "healthy"}),
        item(
            "longhorn.io/v1beta2",
            "Node",
            "k3s1",
            LONGHORN,
            spec={"disks": {"general": {}}},
            status={"diskStatus": {"general": {"conditions": ready()["conditions"]}}},
        ),
        item(
            "k3s.cattle.io/v1", "ETCDSnapshotFile", "s1", spec={"nodeName": "k3s-master1"}, status={"creationTime": now}
        ),
        item("source.toolkit.fluxcd.io/v1", "GitRepository", "home", FLUX, spec={}, status=ready()),
        item("source.toolkit.fluxcd.io/v1", "HelmRepository", "charts", FLUX, spec={}, status=ready()),
        item("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "infra", FLUX, spec={}, status=ready()),
        item("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "apps", FLUX, spec={}, status=ready()),
        item("helm.toolkit.fluxcd.io/v2", "HelmRelease", "longhorn", FLUX, spec={}, status=ready()),
    ]


class Home:
    """A twin with everything in it, and its verification."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin

    def apply(self, *documents: Mapping[str, Any]) -> None:
        items = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        self.twin.kubectl("apply", "--filename=-", stdin=json.dumps(items))

    def status(self, kind: str, name: str, **status: Any) -> None:
        patch = json.dumps({"status": status})
        self.twin.kubectl("patch", kind, name, "--subresource=status", "--type=merge", f"--patch={patch}")

    def make_whole(self) -> None:
        """Everything that is well in the API; what is there already is put right."""
        self.apply(*(item("v1", "Namespace", name) for name in (LONGHORN, FLUX)), *definitions())
        for definition in definitions():
            self.twin.kubectl("wait", "--for=condition=Established", f"crd/{definition['metadata']['name']}")
        self.apply(*healthy())
        self.status("pv", "films", phase="Bound")
        self.status("pvc", "films", phase="Bound")
        self.status("node", "k3s1", allocatable={"gpu.intel.com/i915": "10"})
        self.twin.kubectl("rollout", "status", "deployment/source-controller", f"--namespace={FLUX}", "--timeout=60s")
        self.twin.kubectl(
            "rollout", "status", "deployment/kustomize-controller", f"--namespace={FLUX}", "--timeout=60s"
        )

    def verify(self, **variables: Any) -> Run:
        values = {"homelab_layers": LAYERS, "verify_settle_minutes": 0} | variables
        return self.twin.play("playbooks/verify.yml", "--extra-vars", json.dumps(values))

    def report(self) -> dict[str, Any]:
        newest = max((self.twin.state / "reports").glob("verify-*.json"))
        document: dict[str, Any] = json.loads(newest.read_text())
        return document

    def red(self) -> dict[str, str]:
        """Rows of the newest report that are faults, with their sentences."""
        rows = self.report()["rows"]
        faults = [row for row in rows if row["status"] in ("bad", "unknown")]
        return {f"{row['area']}/{row['subject']}/{row['check']}": row["said"] for row in faults}


@pytest.fixture(scope="session")
def home() -> Home:
    """The twin, with a backup and everything that containers and doubles can have."""
    twin = Twin(Path(__file__).resolve().parents[1] / "inventory")
    place = Home(twin)
    twin.on(
        "k3s1",
        "mkdir -p /var/lib/longhorn /mnt/bound-1; "
        "mountpoint -q /mnt/bound-1 || mount --bind /sys/bus/pci/devices /mnt/bound-1",
    )
    place.make_whole()
    backup = twin.play("playbooks/back_up_cluster.yml")
    assert backup.status == 0, backup.output[-3000:]
    return place


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until something is so, for a minute."""

    def wait(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(1)

    return wait
