# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: why a host may not be reset; pure."""

from __future__ import annotations

from collections.abc import Sequence

from .model import DATA, KUBELET, LOCAL_VOLUMES, NODE_PASSWORD, Found, FstabLine, Mount, Wish
from .mounts import cover, inside, is_own, reasons_to_keep, unmounting_order


def refusals(wish: Wish, found: Found, removed: Sequence[str]) -> list[str]:
    """Every reason at once, one sentence each, in the order of the places they are about."""
    reasons = [*_of_the_wish(wish, found), *_of_symlinks(found)]
    reasons += [_of_mount(mount) for mount in found.mounts if _is_foreign(mount)]
    leaving = unmounting_order(found.mounts)
    reasons += _of_stuck(found.mounts, leaving)
    reasons += [sentence for line in found.fstab for sentence in _of_fstab(line)]
    told = " ".join(reasons)
    for path in removed:
        # a mount that has been named already is not named again for each path above it
        reasons += [
            reason
            for reason in reasons_to_keep(path, found.mounts, leaving)
            if f"{reason.split(' ', 1)[0]} is a mount" not in told
        ]
    return list(dict.fromkeys(reasons))


def _of_the_wish(wish: Wish, found: Found) -> list[str]:
    reasons = []
    if wish.confirm != wish.host:
        reasons.append(
            f"'{wish.confirm}' was confirmed, expected '{wish.host}', the host that would be reset; "
            "confirm it by its name"
        )
    if found.datastore and not wish.erase_datastore:
        reasons.append(
            f"{wish.host} holds a server's datastore and keys ({', '.join(found.datastore)}), expected a worker; "
            f"back the cluster up, then name {wish.host} as a server whose datastore may be erased"
        )
    return reasons


def _of_symlinks(found: Found) -> list[str]:
    return [
        f"{path} is a symbolic link to {target}, expected a directory; put the directory back in its place, "
        "as nothing is removed through a link"
        for path, target in sorted(found.symlinks.items())
    ]


def _is_foreign(mount: Mount) -> bool:
    """A mount below the folders of kubelet and K3s that neither of them made."""
    if inside(mount.point, LOCAL_VOLUMES) or is_own(mount):
        return False
    return inside(mount.point, KUBELET) or (inside(mount.point, DATA) and mount.point != DATA)


def _of_mount(mount: Mount) -> str:
    whose = "kubelet" if inside(mount.point, KUBELET) else "K3s"
    return (
        f"{mount.point} is a mount that {whose} did not make ({mount.kind} {mount.source}, directory {mount.root}), "
        f"expected only its own there; unmount it with 'umount {mount.point}', and take it out of /etc/fstab"
    )


def _of_stuck(mounts: Sequence[Mount], leaving: Sequence[Mount]) -> list[str]:
    """Own mounts that cannot be unmounted, as a mount of others is in the way."""
    numbers = {mount.number for mount in leaving}
    left = [mount for mount in mounts if mount.number not in numbers]
    reasons = []
    for mount in (each for each in left if is_own(each)):
        above = cover(mount, left) or next(each for each in left if each.parent == mount.number)
        if not is_own(above):
            reasons.append(
                f"{mount.point} cannot be unmounted below a later mount at {above.point} ({above.kind} "
                f"{above.source}), expected it to be free; unmount {above.point}, or reboot"
            )
    return reasons


def _of_fstab(line: FstabLine) -> list[str]:
    named = [path for path in (line.point, line.source) if _is_ours(path)]
    return [
        f"line {line.number} of /etc/fstab mounts {line.source} at {line.point}, expected no line about {path}; "
        "take the line out, or it will mount that again at the next boot"
        for path in named[:1]
    ]


def _is_ours(path: str) -> bool:
    if inside(path, LOCAL_VOLUMES) or path == DATA:
        return False
    return any(inside(path, folder) for folder in (KUBELET, DATA, NODE_PASSWORD, "/run/k3s", "/etc/rancher"))
