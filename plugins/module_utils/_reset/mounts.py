# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the mount table, and what a path below it belongs to; pure."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence

from .model import DATA, KUBELET, FstabLine, Mount

_ESCAPE = re.compile(rb"\\([0-7]{3})")
_NETWORK = re.compile(r"^(nfs\d*|cifs|smb\d*|ceph|9p|afs|glusterfs|fuse\.(sshfs|glusterfs|ceph.*|rclone|s3fs))$")
# Where data lies that is not K3s' own: nothing at, in or from these is ever removed or unmounted.
DATA_PLACES = ("/mnt", "/media", "/srv", "/home", "/var/lib/longhorn")

_POD = r"(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
# What kubelet, containerd and Cilium mount themselves.
_OWN = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^{KUBELET}/pods/{_POD}/(?:volumes|volume-subpaths|volumeDevices|plugins|containers)/.+$",
        rf"^{KUBELET}/plugins/.+/.+$",
        rf"^{DATA}/agent/containerd/tmpmounts/.+$",
        r"^/run/k3s/.+$",
        r"^/run/netns/cni-[^/]+$",
        r"^/run/cilium/.+$",
    )
)


def inside(path: str, folder: str) -> bool:
    """Whether path is folder or below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """The table of proc_pid_mountinfo(5)."""
    mounts = []
    for line in text.splitlines():
        before, _dash, after = line.partition(" - ")
        number, parent, device, root, point = before.split(" ")[:5]
        kind, source = after.split(" ")[:2]
        mounts.append(
            Mount(int(number), int(parent), device, _plain(root), _plain(point), kind, _plain(source)),
        )
    return tuple(mounts)


def parse_fstab(text: str) -> tuple[FstabLine, ...]:
    """Lines of fstab(5) that mount something somewhere."""
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if len(fields) < 3 or fields[0].startswith("#") or not fields[1].startswith("/"):
            continue
        point = _plain(fields[1]).rstrip("/") or "/"
        lines.append(FstabLine(number, _plain(fields[0]), point, fields[2]))
    return tuple(lines)


def _plain(text: str) -> str:
    """Without the octal escapes, which stand for bytes."""
    return os.fsdecode(_ESCAPE.sub(lambda match: bytes([int(match.group(1), 8) & 0xFF]), os.fsencode(text)))


def is_own(mount: Mount) -> bool:
    """Whether kubelet, containerd or Cilium made this mount, by its place."""
    return any(pattern.match(mount.point) for pattern in _OWN)


def is_network(mount: Mount) -> bool:
    """Whether the files lie on another machine."""
    return bool(_NETWORK.match(mount.kind))


def is_data(mount: Mount) -> bool:
    """Whether this is one of the owner's data disks."""
    return any(inside(mount.point, place) for place in DATA_PLACES)


def unmounting_order(mounts: Sequence[Mount]) -> list[Mount]:
    """Own mounts that can be unmounted, each before the one it stands on or hides; the latest first otherwise."""
    left, order = list(mounts), []
    while (mount := _next(left)) is not None:
        left.remove(mount)
        order.append(mount)
    return order


def _next(mounts: Sequence[Mount]) -> Mount | None:
    stood_on = {mount.parent for mount in mounts}
    free = (mount for mount in reversed(mounts) if mount.number not in stood_on and is_own(mount))
    return next((mount for mount in free if cover(mount, mounts) is None), None)


def owner(path: str, mounts: Sequence[Mount]) -> Mount | None:
    """The mount that a path's directory entry lies on, found as the kernel does: from the root, mount by mount."""
    numbers = {mount.number for mount in mounts}
    roots = [mount for mount in mounts if mount.point == "/" and mount.parent not in numbers - {mount.number}]
    current = roots[-1] if roots else None
    while current is not None:
        below = [
            mount
            for mount in mounts
            if mount.parent == current.number
            and mount.number != current.number
            and inside(path, mount.point)
            and (mount.point != path or mount.point == "/")
        ]
        if not below:
            return current
        # two at different depths: the deeper one is older and hidden
        current = min(below, key=lambda mount: len(mount.point))
    return None


def cover(mount: Mount, mounts: Sequence[Mount]) -> Mount | None:
    """The mount that hides this one, so that its path leads elsewhere; None for one that can be reached."""
    by_number = {each.number: each for each in mounts}
    lowest = mount
    # stacked at one point, each stands on the one before
    while lowest.parent in by_number and by_number[lowest.parent].point == mount.point:
        lowest = by_number[lowest.parent]
    reached = owner(mount.point, mounts)
    return reached if reached is not None and reached.number != lowest.parent else None


def place_on_device(path: str, mount: Mount) -> str:
    """The path within the mount's file system."""
    rest = path if mount.point == "/" else path[len(mount.point) :]
    return (mount.root.rstrip("/") + "/" + rest.strip("/")).rstrip("/") or "/"


def reasons_to_keep(path: str, mounts: Sequence[Mount], gone: Iterable[Mount]) -> list[str]:
    """Why a path may not be removed, given the mounts that will be gone by then; one sentence each."""
    leaving = {mount.number for mount in gone}
    left = [mount for mount in mounts if mount.number not in leaving]
    lies_on = owner(path, left)
    if lies_on is None:
        return [f"{path} lies on no mount in /proc/self/mountinfo, expected one; look at it with findmnt"]
    reasons = [
        f"{mount.point} is a mount of its own ({mount.kind} {mount.source}), expected none at or below {path}; "
        f"unmount it with 'umount {mount.point}', and take it out of /etc/fstab"
        for mount in left
        if inside(mount.point, path)
    ]
    place = place_on_device(path, lies_on)
    if is_network(lies_on) or is_data(lies_on):
        reasons.append(
            f"{path} lies on {lies_on.source} ({lies_on.kind}), mounted at {lies_on.point}, expected a disk of this "
            "host that holds no data of others; unmount that, or move what K3s has there to the root disk"
        )
    for mount in left:
        if mount.device != lies_on.device or mount.number == lies_on.number or inside(mount.point, path):
            continue
        # the whole root file system may be seen a second time, as the top of a btrfs is
        again = lies_on.point == "/" and inside(lies_on.root, mount.root)
        if is_data(mount) and inside(place, mount.root) and not again:
            reasons.append(
                f"{path} is also {mount.point}, by a bind mount of {mount.source}, expected a place of K3s alone; "
                "unmount the bind mount first"
            )
        elif inside(mount.root, place) and place != "/" and not is_own(mount):
            reasons.append(
                f"{mount.point} is a bind mount of what lies in {path}, expected nothing else to use that; "
                f"unmount it with 'umount {mount.point}'"
            )
    return reasons
