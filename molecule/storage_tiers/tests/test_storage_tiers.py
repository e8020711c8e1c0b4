# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage of a small twin, in this order: before Longhorn, with Longhorn, with storage classes of several owners."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.twin import Twin

    from .conftest import Longhorn

STORAGE = "playbooks/storage.yml"
WORKER, SERVER = "k3s1", "k3s-master1"
LABEL, CONFIG = "node.longhorn.io/create-default-disk", "node.longhorn.io/default-disks-config"
DEFAULT = "storageclass.kubernetes.io/is-default-class"
PLACE = "/var/lib/longhorn"


def classes(twin: Twin) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item for item in twin.get("storageclasses")["items"]}


def defaults(twin: Twin) -> list[str]:
    return [
        name for name, item in classes(twin).items() if item["metadata"].get("annotations", {}).get(DEFAULT) == "true"
    ]


def storage_class(name: str, *, default: bool = False, **parts: Any) -> dict[str, Any]:
    metadata = {"name": name, "annotations": {DEFAULT: str(default).lower()}} | parts.pop("metadata", {})
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"}
    return {**kind, "metadata": metadata, "provisioner": "example.net/x", **parts}


@pytest.mark.parametrize("machine", [WORKER, SERVER])
def test_a_node_has_what_longhorn_and_nfs_volumes_need(twin: Twin, machine: str) -> None:
    host = twin.host(machine)
    for package in ("open-iscsi", "nfs-common", "cryptsetup", "xfsprogs", "smartmontools", "nvme-cli"):
        assert host.package(package).is_installed, package
    assert host.file("/etc/modules-load.d/homelab-storage.conf").content_string == "iscsi_tcp\ndm_crypt\n"
    # read by the program that sets it at each mount
    assert host.check_output("nfsconf --get nfsrahead nfs4") == "4096"
    blacklist = host.file("/etc/multipath/conf.d/homelab.conf").content_string
    assert 'vendor "IET"' in blacklist
    assert "devnode" not in blacklist


def test_the_root_disk_keeps_a_reserve(twin: Twin) -> None:
    metadata = twin.get("node", WORKER)["metadata"]
    assert metadata["labels"][LABEL] == "config"
    (disk,) = json.loads(metadata["annotations"][CONFIG])
    size = int(twin.on(WORKER, f"echo $(($(stat --file-system --format='%b*%S' {PLACE})))"))
    assert disk["storageReserved"] == size * 40 // 100 // 2**20 * 2**20
    assert (disk["name"], disk["path"], disk["tags"]) == ("general", PLACE, ["general"])
    assert LABEL not in twin.get("node", SERVER)["metadata"]["labels"]


def test_nothing_is_applied_before_longhorn_is_there_and_a_second_run_changes_nothing(twin: Twin) -> None:
    twin.kubectl("delete", "storageclass", "--all")
    run = twin.play(STORAGE)
    assert (run.status, run.changed) == (0, False), run.output
    assert "the cluster has no Longhorn yet" in run.text
    assert classes(twin) == {}


def test_all_that_speaks_against_a_node_is_told_at_once(twin: Twin) -> None:
    tiers = {"general": {"description": "root", "directory": PLACE, "reserve": "1GiB", "storage_class": "longhorn"}}
    twin.on(WORKER, "cp /etc/fstab /etc/fstab.kept; echo '/x /var/lib/kubelet/pods none bind 0 0' >> /etc/fstab")
    try:
        run = twin.play(STORAGE, "--extra-vars", json.dumps({"storage_tiers_catalogue": tiers}))
    finally:
        twin.on(WORKER, "mv /etc/fstab.kept /etc/fstab")
    assert run.status != 0
    assert "/etc/fstab mounts /var/lib/kubelet/pods, which belongs to the kubelet" in run.text
    assert "(DiskPressure); raise the tier's reserve" in run.text


def test_a_node_that_longhorn_has_seen_is_patched_and_loses_no_replica(twin: Twin, longhorn: Longhorn) -> None:
    longhorn.install()
    old = {"path": "/srv/old", "allowScheduling": True, "evictionRequested": False, "tags": [], "storageReserved": 0}
    root = {"path": PLACE, "allowScheduling": False, "evictionRequested": False, "tags": ["nvme"], "storageReserved": 7}
    longhorn.put("Node", WORKER, spec={"disks": {"default-disk-1": root, "old": old}})
    longhorn.put("Replica", "r-1", spec={"nodeID": WORKER, "diskPath": "/srv/old", "volumeName": "pvc-1"})
    rehearsal = twin.play(STORAGE, "--check", "--diff")
    assert rehearsal.status == 0, rehearsal.output
    assert longhorn.disks(WORKER)["default-disk-1"]["tags"] == ["nvme"]
    run = twin.play(STORAGE)
    assert run.status == 0, run.output
    disks = longhorn.disks(WORKER)
    assert sorted(disks) == ["default-disk-1", "old"]
    assert disks["default-disk-1"]["tags"] == ["general"]
    assert disks["default-disk-1"]["storageReserved"] > 7
    # the operator's to say
    assert disks["default-disk-1"]["allowScheduling"] is False
    assert "Longhorn's disk old at /srv/old is not in the inventory and is kept, since it has 1 replicas" in run.text


def test_an_evicted_disk_goes_and_another_default_class_steps_back(twin: Twin, longhorn: Longhorn) -> None:
    found = classes(twin)
    assert sorted(found) == ["longhorn"]
    assert found["longhorn"]["provisioner"] == "driver.longhorn.io"
    # one node offers the tier, so a second replica could never be healthy
    parameters = found["longhorn"]["parameters"]
    assert (parameters["numberOfReplicas"], parameters["diskSelector"]) == ("1", "general")
    assert "is on k3s1 alone" in found["longhorn"]["metadata"]["annotations"]["homelab.fletcherlabs.net/redundancy"]
    longhorn.apply(storage_class("local-path", default=True))
    twin.kubectl("delete", "replicas.longhorn.io", "r-1", "--namespace=longhorn-system")
    old = {"path": "/srv/old", "allowScheduling": False, "evictionRequested": True, "tags": [], "storageReserved": 0}
    longhorn.put("Node", WORKER, spec={"disks": longhorn.disks(WORKER) | {"old": old}})
    run = twin.play(STORAGE)
    assert (run.status, run.changed) == (0, True), run.output
    assert sorted(longhorn.disks(WORKER)) == ["default-disk-1"]
    assert defaults(twin) == ["longhorn"]
    again = twin.play(STORAGE)
    assert (again.status, again.changed) == (0, False), again.output


def test_a_class_with_other_parameters_is_made_again_only_when_that_is_said(twin: Twin, longhorn: Longhorn) -> None:
    twin.kubectl("delete", "storageclass", "longhorn")
    longhorn.apply(storage_class("longhorn", parameters={"numberOfReplicas": "3"}))
    run = twin.play(STORAGE)
    assert run.status != 0
    assert "the storage class longhorn is there with other parameters, which cannot be changed" in run.text
    assert classes(twin)["longhorn"]["parameters"]["numberOfReplicas"] == "3"
    run = twin.play(STORAGE, "--extra-vars", "storage_tiers_replace_classes=true")
    assert run.status == 0, run.output
    assert classes(twin)["longhorn"]["parameters"]["numberOfReplicas"] == "1"


def test_classes_of_others_are_left_to_them(twin: Twin, longhorn: Longhorn) -> None:
    twin.kubectl("delete", "storageclass", "--all")
    flux = {"labels": {"kustomize.toolkit.fluxcd.io/name": "storage"}}
    longhorn.apply(storage_class("longhorn", metadata=flux))
    before = classes(twin)
    run = twin.play(STORAGE)
    assert (run.status, run.changed) == (0, False), run.output
    assert "the storage class longhorn belongs to Flux and is left alone" in run.text
    twin.kubectl("delete", "storageclass", "longhorn")
    run = twin.play(STORAGE, "--extra-vars", "homelab_storage_owner=flux")
    assert (run.status, run.changed) == (0, False), run.output
    assert "the storage classes are left to Flux" in run.text
    assert (sorted(before), classes(twin)) == (["longhorn"], {})
