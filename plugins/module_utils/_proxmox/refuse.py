# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: why a virtual machine must not be touched, and what its owner should know; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.model import GIB, Found, Machine, Wanted
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.settings import AT_START, is_ours, size_of

LEAST_DISK = 24
GOOD_DISK = 64
IMPORTS_SINCE = (8, 4)
ON_MACHINE = (
    "VM.Allocate", "VM.Audit", "VM.Config.CDROM", "VM.Config.CPU", "VM.Config.Cloudinit", "VM.Config.Disk",
    "VM.Config.HWType", "VM.Config.Memory", "VM.Config.Network", "VM.Config.Options", "VM.PowerMgmt", "VM.Snapshot",
    "VM.Snapshot.Rollback",
)  # fmt: skip


def needed(wanted: Wanted, vmid: int) -> dict[str, tuple[str, ...]]:
    """What the token has to be allowed, by path; docs/proxmox.md gives the same list."""
    paths: dict[str, tuple[str, ...]] = {
        f"/vms/{vmid}": ON_MACHINE,
        f"/storage/{wanted.storage}": ("Datastore.AllocateSpace", "Datastore.Audit"),
        f"/nodes/{wanted.node}": ("Sys.AccessNetwork", "Sys.Audit"),
        f"/sdn/zones/localnetwork/{wanted.bridge}": ("SDN.Use",),
    }
    image = f"/storage/{wanted.image.storage}"
    paths[image] = tuple(sorted({*paths.get(image, ()), "Datastore.AllocateTemplate", "Datastore.Audit"}))
    return paths


def problems_of(
    wanted: Wanted, found: Found, target: Machine | None, vmid: int, disk: str, needs_image: bool
) -> Iterator[str]:
    """Every reason not to begin, one sentence each."""
    missing = list(_privileges(wanted, found, vmid))
    if missing:
        # without rights the API leaves things out, so nothing else that it says can be believed
        yield from missing
        return
    if wanted.node not in found.nodes:
        known = ", ".join(found.nodes) or "none"
        yield f"Proxmox VE has no node '{wanted.node}' (there: {known}); correct the node's name"
        return
    yield from _identity(wanted, found, target)
    yield from _storages(wanted, found, disk, needs_image)
    if target and (lock := found.config.get("lock")):
        yield (
            f"VM {vmid} is locked ({lock}), so a task works on it or was cut off; wait for its end, or say "
            f"'qm unlock {vmid}' on {target.node} when no task runs, then run again"
        )
    size = size_of(found.config.get(disk, ""))
    if size > wanted.disk_gib * GIB:
        yield (
            f"{wanted.name}: {disk} has {size // GIB} GiB and {wanted.disk_gib} are wanted, but a disk is never made "
            f"smaller; want {size // GIB} GiB or more, or back up, delete VM {vmid} and build it again"
        )
    if wanted.disk_gib < LEAST_DISK:
        yield f"{wanted.name}: a disk of {wanted.disk_gib} GiB is wanted, expected {LEAST_DISK} or more"


def _privileges(wanted: Wanted, found: Found, vmid: int) -> Iterator[str]:
    lacking = {
        path: sorted(set(names) - found.privileges.get(path, frozenset()))
        for path, names in needed(wanted, vmid).items()
    }
    words = "; ".join(f"{', '.join(names)} on {path}" for path, names in lacking.items() if names)
    if words:
        yield f"the API token may not do what the build takes ({words}); give it the role of docs/proxmox.md with pveum"


def _identity(wanted: Wanted, found: Found, target: Machine | None) -> Iterator[str]:
    ids = sorted(machine.vmid for machine in found.machines if machine.name == wanted.name)
    if len(ids) > 1:
        others = " and ".join(map(str, ids))
        yield f"{wanted.name} is the name of {others}, expected one machine; rename or remove the others"
        return
    holder = next((machine for machine in found.machines if machine.vmid == wanted.vmid), None)
    if target and wanted.vmid and target.vmid != wanted.vmid:
        yield (
            f"{wanted.name} is there as VM {target.vmid}, expected VM {wanted.vmid}; set homelab_vm.id to "
            f"{target.vmid}, or rename that machine"
        )
    elif holder and holder.name != wanted.name:
        yield (
            f"VM {wanted.vmid} is called '{holder.name}', expected {wanted.name} or nothing; choose another "
            "homelab_vm.id, or leave it out for the next free one"
        )
    if target and target.kind != "qemu":
        yield f"{wanted.name} (id {target.vmid}) is a container, expected a virtual machine; rename or remove it"
    elif target and target.node != wanted.node:
        yield f"{wanted.name} is on the node {target.node}, expected {wanted.node}; migrate it, or correct the node"
    elif target and not is_ours(found.config) and not wanted.adopt:
        yield (
            f"{wanted.name} is there as VM {target.vmid}, which this collection has not made; look at the difference "
            f"(--check --diff), then let it be adopted with -e adopt_vm={wanted.name}"
        )


def _storages(wanted: Wanted, found: Found, disk: str, needs_image: bool) -> Iterator[str]:
    yield from _room(wanted, found, disk)
    if not needs_image:
        return
    image = wanted.image
    if not image.url or not re.fullmatch(r"[0-9a-f]{64}", image.sha256):
        yield (
            f"{wanted.name} has no disk and no image to make one from; set homelab_vm.image to the url and the sha256 "
            "of a cloud image"
        )
    numbers = [int(number) for number in re.findall(r"\d+", found.version)[:2]]
    if tuple(numbers) < IMPORTS_SINCE:
        yield (
            f"Proxmox VE is {found.version}, and it imports disks through its API since 8.4; upgrade it, or make the "
            f"machine by hand as docs/proxmox.md says and let it be adopted"
        )
    elif image.storage not in found.storages:
        yield f"{wanted.node} has no storage '{image.storage}' (there: {_names(found)}); correct image_storage"
    elif "import" not in found.storages[image.storage].content:
        kinds = ",".join(found.storages[image.storage].content)
        yield (
            f"the storage {image.storage} takes no disk images for importing; say "
            f"'pvesm set {image.storage} --content {kinds},import' on {wanted.node}"
        )


def _room(wanted: Wanted, found: Found, disk: str) -> Iterator[str]:
    storage = found.storages.get(wanted.storage)
    if storage is None:
        yield f"{wanted.node} has no storage '{wanted.storage}' (there: {_names(found)}); correct storage"
    elif "images" not in storage.content:
        yield f"the storage {wanted.storage} takes no disks (content {','.join(storage.content)}); choose another"
    else:
        growth = wanted.disk_gib * GIB - size_of(found.config.get(disk, ""))
        if growth > storage.free and not storage.thin:
            yield (
                f"the storage {wanted.storage} has {storage.free // GIB} GiB free, expected {growth // GIB} for "
                f"{wanted.name}; make room there or choose another"
            )


def _names(found: Found) -> str:
    return ", ".join(sorted(found.storages)) or "none"


def warnings_of(wanted: Wanted, found: Found, settings: Mapping[str, str]) -> Iterator[str]:
    """What can be done, and will be regretted."""
    if LEAST_DISK <= wanted.disk_gib < GOOD_DISK:
        yield (
            f"{wanted.name} gets a disk of {wanted.disk_gib} GiB; journals and images have filled one of 24 before, "
            f"so {GOOD_DISK} or more are better"
        )
    storage = found.storages.get(wanted.storage)
    if storage and storage.thin and storage.free < wanted.disk_gib * GIB:
        yield (
            f"the storage {wanted.storage} has {storage.free // GIB} GiB free and promises {wanted.disk_gib} to "
            f"{wanted.name}; when all promises are used, every machine on it stops"
        )
    late = sorted({*found.pending, *(key for key in settings if key in AT_START)})
    running = any(machine.running for machine in found.machines if machine.name == wanted.name)
    if late and running and not wanted.restart:
        yield (
            f"{wanted.name} gets its new {', '.join(late)} when it is shut down and started; have that done now with "
            f"-e restart_vm={wanted.name}"
        )
