# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pod's last words say about the volume of a class."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify import smoke


def ended(message: str, phase: str = "Succeeded") -> dict[str, Any]:
    return {"status": {"phase": phase, "containerStatuses": [{"state": {"terminated": {"message": message}}}]}}


def test_last_words() -> None:
    seen = smoke.told(ended("/dev/longhorn/pvc-1 /data ext4 rw 0 0\nabc"))
    assert seen == smoke.Seen("/dev/longhorn/pvc-1", "ext4", "abc")
    assert smoke.told(ended("/dev/x /data ext4 rw 0 0\n", "Failed")) is None
    assert smoke.told(ended("")) is None
    assert smoke.told({}) is None
    assert not smoke.ended({"status": {"phase": "Running"}})


@pytest.mark.parametrize(
    ("provisioner", "source", "kind", "part"),
    [
        ("driver.longhorn.io", "/dev/longhorn/pvc-1", "ext4", ""),
        ("driver.longhorn.io", "/dev/mapper/pvc-1", "ext4", ""),
        ("driver.longhorn.io", "10.43.0.9:/pvc-1", "nfs4", ""),
        ("driver.longhorn.io", "/dev/nvme0n1p2", "ext4", "no device of Longhorn"),
        ("nfs.csi.k8s.io", "192.0.2.100:/mnt/x", "nfs4", ""),
        ("nfs.csi.k8s.io", "/dev/sda2", "ext4", "no NFS"),
        ("rancher.io/local-path", "/dev/sda2", "ext4", ""),
        ("rancher.io/local-path", "overlay", "overlay", "goes with the pod"),
    ],
)
def test_the_device_is_what_the_class_stands_for(provisioner: str, source: str, kind: str, part: str) -> None:
    said = smoke.wrong_device(provisioner, smoke.Seen(source, kind, ""))
    assert (part in said) if part else said == ""


def test_pods_are_allowed_in_a_restricted_namespace_and_read_elsewhere() -> None:
    document = smoke.pod("longhorn", "read", "busybox", "abc", "k3s1")
    assert "abc" not in str(document), "a reader that knew it would prove nothing"
    (rule,) = document["spec"]["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert rule["preference"]["matchExpressions"][0]["values"] == ["k3s1"]
    assert document["spec"]["securityContext"]["runAsNonRoot"] is True
    assert smoke.namespace()["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_classes_that_make_nothing_are_left_out() -> None:
    classes = [
        {"metadata": {"name": "static"}, "provisioner": "kubernetes.io/no-provisioner"},
        {"metadata": {"name": "longhorn"}, "provisioner": "driver.longhorn.io"},
    ]
    assert list(smoke.testable(classes)) == [("longhorn", "driver.longhorn.io")]


def test_the_newest_warning_is_told() -> None:
    def event(name: str, message: str, time: str, kind: str = "Warning") -> dict[str, Any]:
        return {"type": kind, "involvedObject": {"name": name}, "message": message, "lastTimestamp": time}

    events = [event("a", "late", "2"), event("a", "early", "1"), event("b", "x", "3"), event("a", "n", "4", "Normal")]
    assert smoke.warning(events, ["a"]) == " (late)"
    assert smoke.warning(events, ["c"]) == ""
