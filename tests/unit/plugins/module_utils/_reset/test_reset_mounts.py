# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mount table says about a path, on tables as hosts have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.mounts import (
    cover,
    is_own,
    owner,
    parse_fstab,
    parse_mountinfo,
    place_on_device,
    reasons_to_keep,
    unmounting_order,
)

TABLE = (Path(__file__).parent / "mountinfo_worker.txt").read_text()
KUBELET = "/var/lib/kubelet"


def with_mount(line: str) -> str:
    return f"{TABLE}{line}\n"


def test_escapes_of_the_kernel_are_undone() -> None:
    mount = parse_mountinfo(r"40 22 8:2 /a\040b /mnt/my\040disk\134x rw shared:2 - ext4 /dev/sd\040a rw")[0]
    assert (mount.root, mount.point, mount.source) == ("/a b", "/mnt/my disk\\x", "/dev/sd a")


def test_fstab_gives_only_lines_that_mount_somewhere() -> None:
    text = "# UUID=1 /var/lib/kubelet ext4\n\nUUID=2 none swap sw 0 0\n/dev/sdb1 /mnt/my\\040disk/ xfs nofail 0 2\n"
    assert [(line.number, line.point) for line in parse_fstab(text)] == [(4, "/mnt/my disk")]


@pytest.mark.parametrize(
    ("point", "own"),
    [
        (f"{KUBELET}/pods/8a7f1f9e-0d6c-4a44-9c3e-6c6f2a1f0b11/volumes/kubernetes.io~nfs/media", True),
        (f"{KUBELET}/pods/0123456789abcdef0123456789abcdef/volume-subpaths/a/b/0", True),
        (f"{KUBELET}/plugins/kubernetes.io/csi/driver.longhorn.io/ab/globalmount", True),
        ("/run/k3s/containerd/io.containerd.grpc.v1.cri/sandboxes/ab/shm", True),
        ("/run/netns/cni-0a1b", True),
        ("/run/netns/mine", False),
        (f"{KUBELET}/plugins", False),
        (f"{KUBELET}/pods", False),
        (f"{KUBELET}/pods/media/volumes/x", False),
        (f"{KUBELET}/media", False),
        (KUBELET, False),
        ("/var/lib/rancher/k3s/agent/kubelet", False),
        ("/mnt/ssd-1", False),
    ],
)
def test_own_mounts_are_known_by_their_place(point: str, own: bool) -> None:
    assert is_own(parse_mountinfo(f"40 22 8:2 / {point} rw - ext4 /dev/sda rw")[0]) is own


def test_every_mount_goes_before_the_one_it_stands_on() -> None:
    order = [mount.number for mount in unmounting_order(parse_mountinfo(TABLE))]
    assert sorted(order) == [32, 33, 34, 35, 36, 37]
    assert order.index(37) < order.index(36)
    # a copy of another's mount goes before it where nothing else decides
    assert order.index(36) < order.index(34)


@pytest.mark.parametrize(
    ("path", "number"),
    [("/etc/rancher", 22), ("/run/k3s", 24), ("/mnt/ssd-1", 22), ("/mnt/ssd-1/x", 30), ("/var/lib/hidden/x", 45)],
)
def test_owner_is_the_mount_that_is_seen(path: str, number: int) -> None:
    table = with_mount("44 22 8:9 / /var/lib/hidden/x rw - ext4 /dev/sdd rw") + (
        "45 22 8:10 / /var/lib/hidden rw - ext4 /dev/sde rw\n"
    )
    found = owner(path, parse_mountinfo(table))
    assert found is not None and found.number == number


def test_hidden_mount_is_told_from_a_stacked_one() -> None:
    stacked = (
        "60 34 0:71 / /var/lib/kubelet/plugins/kubernetes.io/csi/driver.longhorn.io/ab/globalmount rw - tmpfs t rw"
    )
    mounts = parse_mountinfo(with_mount(stacked))
    assert [cover(mount, mounts) for mount in mounts if is_own(mount)] == [None] * 7
    mounts = parse_mountinfo(with_mount("60 22 8:3 / /var rw - ext4 /dev/sda3 rw"))
    hidden = [(mount.number, found.point) for mount in mounts[1:] if (found := cover(mount, mounts))]
    assert hidden == [(number, "/var") for number in (34, 35, 36, 37)]


def test_hidden_mount_goes_after_its_cover_and_stays_below_one_of_others() -> None:
    token = f"{KUBELET}/pods/8a7f1f9e-0d6c-4a44-9c3e-6c6f2a1f0b11/volumes/kubernetes.io~projected/token"
    lines = [
        f"60 22 0:71 / {token} rw - tmpfs t rw",
        f"61 60 0:72 / {token}/inner rw - tmpfs t rw",
        f"62 60 0:73 / {token} rw - tmpfs t rw",
        f"63 62 0:74 / {token}/inner rw - tmpfs t rw",
    ]
    mounts = parse_mountinfo("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + "\n".join(lines))
    assert [mount.number for mount in unmounting_order(mounts)] == [63, 62, 61, 60]
    mounts = parse_mountinfo(with_mount("60 22 8:3 / /var rw - ext4 /dev/sda3 rw"))
    assert {mount.number for mount in unmounting_order(mounts)} == {32, 33}


def test_place_is_told_within_the_file_system() -> None:
    mount = parse_mountinfo("30 22 8:17 /inner /mnt/ssd-1 rw - xfs /dev/sdb1 rw")[0]
    assert place_on_device("/mnt/ssd-1/a/b", mount) == "/inner/a/b"


@pytest.mark.parametrize(
    ("line", "path", "sentence"),
    [
        ("60 22 0:55 / /var/lib/kubelet/media rw - nfs4 nas:/media rw", KUBELET, "is a mount of its own (nfs4"),
        ("60 22 8:1 /srv/kubelet /var/lib/kubelet rw - ext4 /dev/sda1 rw", KUBELET, "is a mount of its own (ext4"),
        ("60 22 0:56 / /var/lib rw - nfs4 nas:/state rw", "/var/lib/cni", "lies on nas:/state (nfs4)"),
        ("60 22 8:17 /state /var/lib rw - xfs /dev/sdb1 rw", "/var/lib/cni", "is also /mnt/ssd-1"),
        ("60 22 8:1 /var/lib/kubelet/x /mnt/mine rw - ext4 /dev/sda1 rw", KUBELET, "bind mount of what lies in"),
        ("60 22 8:1 /var/lib /mnt/state rw - ext4 /dev/sda1 rw", KUBELET, "is also /mnt/state"),
    ],
)
def test_reasons_to_keep_a_path(line: str, path: str, sentence: str) -> None:
    mounts = parse_mountinfo(with_mount(line))
    assert sentence in " ".join(reasons_to_keep(path, mounts, unmounting_order(mounts)))


@pytest.mark.parametrize(
    "line",
    [
        "60 22 8:3 / /var rw - ext4 /dev/sda3 rw",
        "60 22 8:3 / /var/lib/rancher rw - ext4 /dev/sda3 rw",
        "60 22 8:1 / /mnt/top rw - btrfs /dev/sda1 rw",
    ],
)
def test_ordinary_hosts_are_no_reason(line: str) -> None:
    mounts = parse_mountinfo(with_mount(line))
    assert reasons_to_keep("/var/lib/rancher/k3s/agent", mounts, unmounting_order(mounts)) == []
