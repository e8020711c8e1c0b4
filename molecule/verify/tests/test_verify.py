# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy home is green; of faults put into machines and API together, each turns its own row red and no other."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Home

LONG_AGO = "2025-01-01T00:00:00Z"
WORKER, SERVER = "k3s1", "k3s-master1"
FLUX = "--namespace=flux-system"
LONGHORN = "--namespace=longhorn-system"
DEFAULT = "storageclass.kubernetes.io/is-default-class"
# row -> part of its sentence, command that causes the fault, command that mends it; on k3s1
MACHINE = {
    "machines/k3s1/fit": (
        "has k3s.service; stop and remove that unit",
        "cp /etc/systemd/system/k3s-agent.service /etc/systemd/system/k3s.service",
        "rm /etc/systemd/system/k3s.service; systemctl daemon-reload",
    ),
    "machines/k3s1/kubelet": (
        "/etc/fstab mounts /var/lib/kubelet/media",
        "cp /etc/fstab /etc/fstab.kept; echo '/x /var/lib/kubelet/media none bind 0 0' >> /etc/fstab",
        "mv /etc/fstab.kept /etc/fstab",
    ),
    "machines/k3s1/certificates": (
        "rotate_certificates.yml -e node=k3s1",
        "cd /var/lib/rancher/k3s/agent; cp client-kubelet.crt /root/kept.crt; openssl req -x509 -newkey ec -pkeyopt "
        "ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=x -days 9 -addext basicConstraints=CA:FALSE "
        "-out client-kubelet.crt 2>/dev/null",
        "mv /root/kept.crt /var/lib/rancher/k3s/agent/client-kubelet.crt",
    ),
    "nodes/k3s1/version": (
        "has v1.31.9+k3s1 installed, expected v1.32.5+k3s1",
        "mv /usr/local/bin/k3s /root/k3s; printf '#!/bin/sh\\necho k3s version v1.31.9+k3s1\\n' > /usr/local/bin/k3s; "
        "chmod 755 /usr/local/bin/k3s",
        "mv /root/k3s /usr/local/bin/k3s",
    ),
    "storage/k3s1/tier-general": (
        "by a symbolic link",
        "mkdir -p /srv/elsewhere; rmdir /var/lib/longhorn; ln -s /srv/elsewhere /var/lib/longhorn",
        "rm /var/lib/longhorn; mkdir /var/lib/longhorn",
    ),
    "storage/k3s1/tier-bound": (
        "nothing is mounted at /mnt/bound-1, so that files would go to the system disk",
        "umount /mnt/bound-1",
        "mount --bind /sys/bus/pci/devices /mnt/bound-1",
    ),
}
# the same for the API, as arguments of kubectl
OBJECTS = {
    "nodes/k3s1/takes-pods": ("kubectl uncordon k3s1", ["cordon", WORKER], ["uncordon", WORKER]),
    "nodes/k3s1/labels": ("lacks bgp, expected bgp=enabled", ["label", "node", WORKER, "bgp-"],
                          ["label", "node", WORKER, "bgp=enabled"]),
    "nodes/k3s1/taints": ("has the taint gpu=nvidia:NoSchedule", ["taint", "node", WORKER, "gpu=nvidia:NoSchedule"],
                          ["taint", "node", WORKER, "gpu:NoSchedule-"]),
    "storage/classes/default": ("are all the default", ["annotate", "storageclass", "spare", f"{DEFAULT}=true"],
                                ["annotate", "storageclass", "spare", f"{DEFAULT}-"]),
    "datastore/k3s-master1/snapshot": (
        "days old, expected at most 24 hours",
        ["patch", "etcdsnapshotfile", "s1", "--type=merge",
         f'--patch={{"status":{{"creationTime":"{LONG_AGO}"}}}}'],
        None,
    ),
    "storage/volumes/released": (
        "films is Released",
        ["patch", "pv", "films", "--subresource=status", "--type=merge", '--patch={"status":{"phase":"Released"}}'],
        None,
    ),
    "storage/claims/bound": (
        "default/films is Lost",
        ["patch", "pvc", "films", "--subresource=status", "--type=merge", '--patch={"status":{"phase":"Lost"}}'],
        None,
    ),
    "storage/k3s1/csi-driver": (
        "lists no driver, expected driver.longhorn.io",
        ["patch", "csinode", WORKER, "--type=merge", '--patch={"spec":{"drivers":[]}}'],
        None,
    ),
    "storage/longhorn/volumes": (
        "is degraded",
        ["patch", "volumes.longhorn.io", "pvc-1", LONGHORN, "--type=merge",
         '--patch={"status":{"robustness":"degraded"}}'],
        None,
    ),
    "storage/k3s1/longhorn-disks": (
        "disk general is not Ready",
        ["patch", "nodes.longhorn.io", WORKER, LONGHORN, "--type=merge",
         '--patch={"status":{"diskStatus":{"general":{"conditions":[]}}}}'],
        None,
    ),
    "gpu/k3s1/allocatable-intel": (
        "offers 1 of gpu.intel.com/i915, expected 10",
        ["patch", "node", WORKER, "--subresource=status", "--type=merge",
         '--patch={"status":{"allocatable":{"gpu.intel.com/i915":"1"}}}'],
        None,
    ),
    "gitops/flux-system/apps/Kustomization": (
        "is suspended, so Git does not reach the cluster",
        ["patch", "kustomization", "apps", FLUX, "--type=merge", '--patch={"spec":{"suspend":true}}'],
        ["patch", "kustomization", "apps", FLUX, "--type=merge", '--patch={"spec":{"suspend":null}}'],
    ),
    "gitops/flux-system/infra/Kustomization": (
        "no matches for kind GpuDevicePlugin; mend it in Git",
        ["patch", "kustomization", "infra", FLUX, "--type=merge", '--patch={"status":{"conditions":[{"type":"Ready",'
         f'"status":"False","message":"no matches for kind GpuDevicePlugin","lastTransitionTime":"{LONG_AGO}"}}]}}}}'],
        None,
    ),
    "gitops/flux-system/home/GitRepository": (
        "is not Ready",
        ["patch", "gitrepository", "home", FLUX, "--type=merge", '--patch={"status":{"conditions":[]}}'],
        None,
    ),
    "gitops/flux-system/longhorn/HelmRelease": (
        "was changed and nobody looked at it since",
        ["patch", "helmrelease", "longhorn", FLUX, "--type=merge", '--patch={"spec":{"chart":"1.6.2"},"status":'
         '{"observedGeneration":0}}'],
        None,
    ),
}  # fmt: skip


@contextmanager
def broken(home: Home) -> Iterator[None]:
    """All faults at once; whatever happens, they are mended."""
    try:
        for _said, cause, _mend in MACHINE.values():
            home.twin.on(WORKER, cause)
        for _said, arguments, _back in OBJECTS.values():
            home.twin.kubectl(*arguments)
        yield
    finally:
        for _said, _cause, mend in MACHINE.values():
            home.twin.on(WORKER, mend)
        for _said, _arguments, back in OBJECTS.values():
            if back:
                home.twin.kubectl(*back)
        home.make_whole()


def test_a_healthy_home_is_green_and_nothing_changed(home: Home) -> None:
    run = home.verify()
    assert run.status == 0 and not run.changed, run.output[-5000:]
    report = home.report()
    assert home.red() == {}
    assert {row["status"] for row in report["rows"]} <= {"ok", "note", "off"}
    files = {path.suffix for path in (home.twin.state / "reports").iterdir()}
    assert files == {".json", ".xml", ".html"}
    assert f"{report['counts']['ok']} of {report['counts']['ok']} checks are well" in run.text


@pytest.fixture(scope="module")
def faults(home: Home) -> tuple[Any, dict[str, str], dict[str, Any]]:
    """One run with all the faults that do not hide each other."""
    with broken(home):
        run = home.verify()
        return run, home.red(), home.report()


@pytest.mark.parametrize("row", [*MACHINE, *OBJECTS])
def test_each_fault_has_its_row_and_says_what_to_do(faults: tuple[Any, dict[str, str], Any], row: str) -> None:
    _run, red, _report = faults
    assert {**MACHINE, **OBJECTS}[row][0] in red.get(row, "is not red")


def test_no_other_row_is_red(faults: tuple[Any, dict[str, str], Any]) -> None:
    run, red, report = faults
    assert sorted(red) == sorted([*MACHINE, *OBJECTS])
    assert run.status != 0 and f"faults: {len(red)}" in run.text
    assert sorted(report["new"]) == sorted(red), "the report before was green"


def test_mended_faults_are_told_and_reports_agree(home: Home, faults: tuple[Any, dict[str, str], Any]) -> None:
    run = home.verify(verify_keep=2)
    assert run.status == 0, run.output[-5000:]
    assert home.report()["mended"] == sorted(faults[1])
    folder = home.twin.state / "reports"
    assert len(list(folder.glob("*.json"))) == len(list(folder.glob("*.html"))) == 2
    suites = ElementTree.parse(max(folder.glob("*.xml"))).getroot()
    assert sum(int(suite.get("tests", 0)) for suite in suites) == len(home.report()["rows"])


def test_a_look_changes_nothing_in_check_mode_either(home: Home) -> None:
    before = sorted((home.twin.state / "reports").iterdir())
    run = home.twin.play("playbooks/verify.yml", "--check")
    assert run.status == 0 and not run.changed, run.output[-3000:]
    assert sorted((home.twin.state / "reports").iterdir()) == before


def test_a_card_that_is_gone_and_a_backup_that_is_old(home: Home) -> None:
    card = next((home.twin.state / "pci" / WORKER).iterdir())
    archives = list((home.twin.state / "backups").iterdir())
    kept = home.twin.state / card.name
    times = {path: path.stat() for path in archives}
    card.rename(kept)
    try:
        for path in archives:
            os.utime(path, (0, 0))
        assert home.verify().status != 0
        red = home.red()
    finally:
        kept.rename(card)
        for path, stat in times.items():
            os.utime(path, (stat.st_atime, stat.st_mtime))
    assert sorted(red) == ["datastore/cluster/backup", "gpu/k3s1/cards"]
    assert "back_up_cluster.yml" in red["datastore/cluster/backup"]


def stop(unit: str) -> tuple[str, str]:
    return f"systemctl stop {unit}", f"systemctl start {unit}"


@pytest.mark.parametrize(("machine", "unit"), [(WORKER, "k3s-agent"), (SERVER, "k3s")])
def test_a_stopped_service_is_the_only_fault(home: Home, machine: str, unit: str) -> None:
    cause, mend = stop(unit)
    home.twin.on(machine, cause)
    try:
        assert home.verify().status != 0
        red = home.red()
    finally:
        home.twin.on(machine, mend)
    assert list(red) == [f"machines/{machine}/k3s"]
    assert f"{unit}.service does not run; look at journalctl -u {unit}.service" in red[f"machines/{machine}/k3s"]


def test_a_stranger_and_a_dead_machine(home: Home, eventually: Callable[[Callable[[], bool]], None]) -> None:
    home.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "k3s9"}})
    home.twin.kill(WORKER)
    try:
        assert home.verify().status != 0
        red = home.red()
    finally:
        home.twin.lab("machines", "up")
        home.twin.kubectl("delete", "node", "k3s9")
        home.twin.on(WORKER, "mount --bind /sys/bus/pci/devices /mnt/bound-1")
        eventually(lambda: home.twin.on(WORKER, "systemctl is-active k3s-agent || true") == "active")
    assert sorted(red) == [f"machines/{WORKER}/answers", "nodes/cluster/members"]
    assert "look at its console, power and cable" in red[f"machines/{WORKER}/answers"]
    assert "kubectl delete node k3s9" in red["nodes/cluster/members"]
