# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that may not be reset, and hosts that look like them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.model import Found, FstabLine, Wish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.mounts import parse_mountinfo
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.refuse import refusals

TABLE = (Path(__file__).parent / "mountinfo_worker.txt").read_text()
WISH = Wish("k3s1", "k3s1")
PATHS = ("/var/lib/kubelet", "/var/lib/rancher/k3s/agent")


def reasons(mount: str = "", fstab: tuple[str, str] | None = None, wish: Wish = WISH, **found: object) -> str:
    lines = (FstabLine(3, fstab[0], fstab[1], "none"),) if fstab else ()
    return "; ".join(refusals(wish, Found(parse_mountinfo(TABLE + mount), lines, **found), PATHS))  # type: ignore[arg-type]


def test_worker_with_pods_data_disks_and_nfs_volumes_is_not_refused() -> None:
    assert reasons() == ""


@pytest.mark.parametrize(
    "point",
    [
        "/var/lib/kubelet",
        "/var/lib/kubelet/media",
        "/var/lib/kubelet/pods",
        "/var/lib/rancher/k3s/agent/kubelet",
        "/var/lib/rancher/k3s/agent/containerd",
    ],
)
@pytest.mark.parametrize("what", ["0:99 / {} rw - nfs4 nas:/x rw", "8:17 /x {} rw - xfs /dev/sdb1 rw"])
def test_mount_of_others_is_named_once(point: str, what: str) -> None:
    told = reasons(f"60 22 {what.format(point)}\n")
    assert told.count(f"{point} is a mount") == 1


@pytest.mark.parametrize("point", ["/var/lib/rancher", "/var/lib/rancher/k3s", "/var/lib/rancher/k3s/storage"])
def test_disk_of_k3s_own_is_no_reason(point: str) -> None:
    assert reasons(f"60 22 8:3 / {point} rw - ext4 /dev/sda3 rw\n", ("/dev/sda3", point)) == ""


@pytest.mark.parametrize(
    ("line", "about"),
    [
        (("/dev/sdc1", "/var/lib/kubelet"), "/var/lib/kubelet"),
        (("nas:/media", "/var/lib/kubelet/media"), "/var/lib/kubelet/media"),
        (("/var/lib/kubelet", "/mnt/kubelet"), "/var/lib/kubelet"),
        (("/var/lib/kubelet/plugins", "/var/lib/rancher/k3s/agent/kubelet"), "/var/lib/rancher/k3s/agent/kubelet"),
    ],
)
def test_line_of_fstab_is_refused(line: tuple[str, str], about: str) -> None:
    assert reasons(fstab=line) == (
        f"line 3 of /etc/fstab mounts {line[0]} at {line[1]}, expected no line about {about}; "
        "take the line out, or it will mount that again at the next boot"
    )


def test_confirmation_and_datastore() -> None:
    datastore = ("/var/lib/rancher/k3s/server/db",)
    assert "k3s1 holds a server's datastore and keys (/var/lib/rancher/k3s/server/db)" in reasons(datastore=datastore)
    assert reasons(datastore=datastore, wish=Wish("k3s1", "k3s1", erase_datastore=True)) == ""
    assert reasons(wish=Wish("k3s1", "")).startswith("'' was confirmed, expected 'k3s1'")
