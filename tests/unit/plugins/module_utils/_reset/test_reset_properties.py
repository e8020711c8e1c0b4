# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every host: hypothesis makes up mount tables, an oracle of its own follows each plan through them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.model import (
    Action,
    Found,
    FstabLine,
    Mount,
    ResetError,
    Unit,
    Wish,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.plan import plan

EXAMPLES = int(os.environ.get("HOMELAB_EXAMPLES", "150"))
SETTINGS = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
WISH = Wish("k3s1", "k3s1", erase_datastore=True, forget_node_password=True)
POD = "/var/lib/kubelet/pods/8a7f1f9e-0d6c-4a44-9c3e-6c6f2a1f0b11"
POINTS = (
    "/var", "/var/lib", "/var/lib/rancher", "/var/lib/rancher/k3s", "/var/lib/rancher/k3s/storage",
    "/var/lib/rancher/k3s/agent", "/var/lib/rancher/k3s/agent/containerd/tmpmounts/x", "/var/lib/kubelet",
    "/var/lib/kubelet/media", "/var/lib/kubelet/plugins", "/var/lib/kubelet/plugins/a/b/globalmount", POD,
    f"{POD}/volumes/kubernetes.io~nfs/media", f"{POD}/volumes/kubernetes.io~csi/pvc/mount",
    f"{POD}/volumes/kubernetes.io~csi/pvc/mount/inner", "/var/lib/longhorn", "/mnt/ssd-1", "/mnt/ssd-1/inner",
    "/mnt/media", "/run/k3s", "/run/k3s/rootfs", "/run/netns/cni-1", "/run/cilium/cgroupv2", "/etc/rancher", "/run",
)  # fmt: skip
ROOTS = ("/", "/inner", "/var/lib", "/var/lib/kubelet", "/var/lib/rancher/k3s/agent", "/state/lib", "/state")
KINDS = {"8:1": "ext4", "8:2": "xfs", "8:17": "xfs", "0:55": "nfs4", "0:22": "tmpfs"}
PATHS = (
    "/sys/fs/bpf/cilium", "/run/cilium", "/etc/cni/net.d/05-cilium.conflist", "/run/netns/cni-1", "/run/k3s",
    "/var/lib/cni", "/var/lib/kubelet", "/var/lib/rancher/k3s/agent", "/var/lib/rancher/k3s/data",
    "/var/lib/rancher/k3s/server", "/etc/rancher/k3s", "/etc/rancher/node", "/usr/local/bin/k3s",
)  # fmt: skip
# nobody may ever remove these, not even when a probe goes wrong and names them
STRANGE = ("/", "/etc", "/var/lib", "/var/lib/rancher/k3s/storage", "/mnt/ssd-1", "/var/lib/longhorn", "/home/josh")


@dataclass(frozen=True)
class Seen:
    """Where a path ends up: mount, and place within its device."""

    mount: Mount
    place: str


def walk(path: str, mounts: list[Mount]) -> Seen:
    """What the kernel does with a path: one name at a time, entering whatever stands on the place."""
    here = Seen(enter(next(mount for mount in mounts if mount.number == 1), mounts), "")
    here = replace(here, place=here.mount.root.rstrip("/"))
    point = ""
    for name in path.strip("/").split("/") if path != "/" else ():
        point = f"{point}/{name}"
        here = replace(here, place=f"{here.place}/{name}")
        standing = [mount for mount in mounts if mount.parent == here.mount.number and mount.point == point]
        if standing:
            top = enter(standing[-1], mounts)
            here = Seen(top, top.root.rstrip("/"))
    return here


def enter(mount: Mount, mounts: list[Mount]) -> Mount:
    while above := [
        each for each in mounts if each.parent == mount.number and each.point == mount.point and each != mount
    ]:
        mount = above[-1]
    return mount


@st.composite
def tables(draw: st.DrawFn) -> list[Mount]:
    """Mounts made one after the other, each on what is seen at its point by then."""
    mounts = [Mount(1, 0, "8:1", "/", "/", "ext4", "/dev/sda1")]
    for point in draw(st.lists(st.sampled_from(POINTS), max_size=9)):
        device = draw(st.sampled_from(sorted(KINDS)))
        root = draw(st.sampled_from(ROOTS))
        parent = walk(point, mounts).mount
        mounts.append(Mount(len(mounts) + 1, parent.number, device, root, point, KINDS[device], f"source of {device}"))
    return mounts


@st.composite
def hosts(draw: st.DrawFn) -> Found:
    paths = draw(st.sets(st.sampled_from(PATHS))) | draw(st.sets(st.sampled_from(STRANGE), max_size=2))
    lines = draw(st.lists(st.sampled_from(POINTS), max_size=1))
    return Found(
        mounts=tuple(draw(tables())),
        fstab=tuple(FstabLine(number, "/dev/sdb1", point, "ext4") for number, point in enumerate(lines, 1)),
        links=tuple(draw(st.sets(st.sampled_from(["cilium_host", "cni0", "flannel.1"])))),
        units=draw(st.sampled_from([(), (Unit("k3s-agent.service", True, "active"),)])),
        paths=frozenset(paths),
        containers={
            "/var/lib/rancher/k3s": frozenset(path for path in paths if path.startswith("/var/lib/rancher/k3s/")),
            "/etc/rancher": frozenset(path for path in paths if path.startswith("/etc/rancher/")),
        },
    )


def below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def follow(found: Found, actions: list[Action]) -> None:
    """Carry the plan out in thought, and look at every removal with the mounts that are left by then."""
    mounts = list(found.mounts)
    data = [mount for mount in mounts if below(mount.point, "/mnt") or below(mount.point, "/var/lib/longhorn")]
    for action in actions:
        if action.kind == "unmount":
            top = [mount for mount in mounts if mount.point == action.target]
            assert top, f"{action.target} is unmounted and was no mount any more"
            assert not below(action.target, "/mnt") and not below(action.target, "/var/lib/longhorn")
            gone = walk(action.target, mounts).mount
            assert gone.point == action.target, "something else stands there"
            assert not [mount for mount in mounts if mount.parent == gone.number], "something stands on it"
            mounts.remove(gone)
        if action.kind in ("remove", "remove_empty"):
            judge(action.target, mounts, data)


def judge(path: str, mounts: list[Mount], data: list[Mount]) -> None:
    entry = walk(os.path.dirname(path), mounts)
    itself = walk(path, mounts)
    assert itself.mount == entry.mount, f"{path} is a mount of its own"
    assert not [mount for mount in mounts if below(mount.point, path)], f"a mount is left below {path}"
    assert itself.mount.kind != "nfs4", f"{path} lies on another machine"
    assert not any(below(path, place) for place in STRANGE[3:])
    if itself.mount.point == "/":
        return
    for disk in data:
        same = disk.device == itself.mount.device
        assert not (same and below(itself.place, disk.root)), f"{path} lies on the data disk {disk.point}"


def planned(found: Found) -> list[Action] | ResetError:
    try:
        return plan(WISH, found)
    except ResetError as error:
        return error


@SETTINGS
@given(hosts())
def test_no_plan_leaves_a_file_system_or_touches_a_data_disk(found: Found) -> None:
    actions = planned(found)
    if isinstance(actions, ResetError):
        event("refused")
        return
    event("planned with unmounts" if any(action.kind == "unmount" for action in actions) else "planned")
    removed = {action.target for action in actions if action.kind == "remove"}
    assert removed == found.paths - set(STRANGE)
    follow(found, actions)


@SETTINGS
@given(hosts())
def test_every_mount_in_the_way_is_named_in_one_go(found: Found) -> None:
    outcome = planned(found)
    reasons = outcome.reasons if isinstance(outcome, ResetError) else []
    assert len(reasons) == len(set(reasons))
    for mount in found.mounts:
        if mount.point in ("/var/lib/kubelet/media", "/var/lib/kubelet", POD):
            assert f"{mount.point} is a mount" in " ".join(reasons)
