# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: how pools come to be mounted, or why they are not; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from .._action import Action
from .model import Found, Plan, Wanted

TIMEOUT = "x-systemd.device-timeout="
# Names that may be another disk's after the next boot.
UNSTABLE = re.compile(r"^/dev/(sd[a-z]+|vd[a-z]+|nvme\d+n\d+|md\d+)(p?\d+)?$")


def plan(wanted: Sequence[Wanted], found: Mapping[str, Found]) -> Plan:
    """The steps in the order of the inventory; one problem anywhere, and nothing is done at all."""
    problems = [sentence for pool in wanted for sentence in _problems(pool, found[pool.path])]
    warnings = tuple(sentence for pool in wanted for sentence in _warnings(pool, found[pool.path]))
    if problems:
        return Plan(problems=tuple(problems), warnings=warnings)
    return Plan(tuple(action for pool in wanted for action in _actions(pool, found[pool.path])), (), warnings)


def _problems(pool: Wanted, found: Found) -> Iterator[str]:
    if found.kind == "other":
        yield f"{pool.path} is no plain directory, expected a mount point; move it away, or correct the pool's path"
    elif found.mounted:
        yield from _problems_mounted(pool, found)
    elif pool.uuid:
        yield from _problems_to_mount(pool, found)
    else:
        yield (
            f"{pool.path} is not mounted, expected its pool, which is never exported as an empty directory; "
            f"{_remedy(pool, found)}"
        )


def _remedy(pool: Wanted, found: Found) -> str:
    if pool.filesystem == "zfs":
        return "import it (zpool import; zfs mount -a)"
    if found.fstab:
        return f"/etc/fstab mounts {found.fstab} there: find out why it does not (mount {pool.path})"
    return "mount it, or write its uuid in homelab_machine.pools"


def _problems_mounted(pool: Wanted, found: Found) -> Iterator[str]:
    here = found.mounted
    if here is None:
        return
    if pool.uuid and here.uuid.lower() != pool.uuid.lower():
        yield (
            f"{pool.path} has {here.source} mounted (UUID {here.uuid or 'none'}), expected the file system {pool.uuid}"
            "; unmount it, or correct the pool's uuid"
        )
    if pool.filesystem and here.filesystem != pool.filesystem:
        yield f"{pool.path} is {here.filesystem}, expected {pool.filesystem}; correct the pool's filesystem"
    if here.read_only and "ro" not in pool.options:
        yield f"{pool.path} is mounted read-only, expected read-write; look at the kernel's log of {here.source}"
    if found.shared_by_zfs:
        yield (
            f"ZFS itself exports {here.source} (sharenfs), expected /etc/exports.d alone, for two lists contradict "
            f"each other; run: zfs set sharenfs=off {here.source}"
        )
    yield from _problems_fstab(pool, found)


def _problems_to_mount(pool: Wanted, found: Found) -> Iterator[str]:
    if not found.device:
        yield (
            f"no device has the file system {pool.uuid} of {pool.path}, expected one; look for a missing disk or an "
            "array that was not assembled (lsblk -f, cat /proc/mdstat), or correct the pool's uuid"
        )
    elif pool.filesystem and found.device_filesystem != pool.filesystem:
        yield (
            f"{found.device} of {pool.path} holds {found.device_filesystem or 'nothing known'}, expected "
            f"{pool.filesystem}; correct the pool"
        )
    if found.entries:
        yield (
            f"{pool.path} is not mounted and holds {found.entries} entries, which the pool would hide, expected an "
            "empty directory; move them into the pool or away"
        )
    yield from _problems_fstab(pool, found)


def _problems_fstab(pool: Wanted, found: Found) -> Iterator[str]:
    if not pool.uuid:
        return
    if found.fstab.startswith("UUID=") and found.fstab.lower() != f"uuid={pool.uuid}".lower():
        yield (
            f"/etc/fstab mounts {found.fstab} at {pool.path}, expected UUID={pool.uuid}; correct that line or the pool"
        )
    if found.fstab_elsewhere:
        yield (
            f"/etc/fstab mounts UUID={pool.uuid} at {found.fstab_elsewhere}, expected {pool.path}; correct that line "
            "or the pool"
        )


def _warnings(pool: Wanted, found: Found) -> Iterator[str]:
    if UNSTABLE.match(found.fstab):
        yield (
            f"/etc/fstab mounts {pool.path} by {found.fstab}, a name that may be another disk's after the next boot; "
            "write UUID= there"
        )
    if found.mounted and not pool.uuid and not found.fstab and found.mounted.filesystem != "zfs":
        yield (
            f"{pool.path} is mounted, but not by /etc/fstab; unless something else mounts it at boot, write "
            "its uuid down"
        )


def _actions(pool: Wanted, found: Found) -> Iterator[Action]:
    if not pool.uuid:
        return
    if not found.mounted and (found.kind == "absent" or found.immutable is False):
        yield Action("directory", pool.path, f"make the mount point {pool.path}, empty and immutable")
    if not found.fstab:
        yield Action("fstab", pool.path, f"mount UUID={pool.uuid} at {pool.path} at every boot (/etc/fstab)")
    if not found.mounted:
        yield Action("mount", pool.path, f"mount {found.device} ({found.device_filesystem}) at {pool.path}")


def options_of(pool: Wanted) -> tuple[str, ...]:
    """The pool's options, and those that keep a boot going when the pool is dead."""
    options = list(pool.options or ("defaults",))
    if "nofail" not in options:
        options.append("nofail")
    if not any(option.startswith(TIMEOUT) for option in options):
        # nofail has the boot wait for nothing; a shelf of disks that spin up one after another takes its time
        options.append(f"{TIMEOUT}120s")
    return tuple(options)


def fstab_line(pool: Wanted, filesystem: str) -> str:
    """The pool's line; only ext4 is checked at boot, after the root."""
    return (
        f"UUID={pool.uuid} {pool.path} {filesystem} {','.join(options_of(pool))} 0 {2 if filesystem == 'ext4' else 0}"
    )


def difference(wanted: Sequence[Wanted], found: Mapping[str, Found], actions: Sequence[Action]) -> dict[str, str]:
    """Each changed pool before and after, for diff mode."""
    before, after = [], []
    for pool in wanted:
        kinds = {action.kind for action in actions if action.target == pool.path}
        here = found[pool.path]
        if not kinds:
            continue
        source = here.mounted.source if here.mounted else ""
        before.append(f"{pool.path}: mounted {source or 'nothing'}, at boot {here.fstab or 'nothing'}")
        after.append(f"{pool.path}: mounted {source or here.device}, at boot {here.fstab or f'UUID={pool.uuid}'}")
    return {"before": "".join(f"{line}\n" for line in before), "after": "".join(f"{line}\n" for line in after)}
