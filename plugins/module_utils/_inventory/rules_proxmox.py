# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what hypervisors and virtual machines may not say together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import (
    HYPERVISOR,
    Inventory,
    Machine,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.refuse import GOOD_DISK, LEAST_DISK

LEAST_ID = 100


def check_hypervisors(inventory: Inventory) -> Iterator[str]:
    """Only a machine of the group is a hypervisor."""
    for machine in inventory.machines:
        if machine.hypervisor and HYPERVISOR not in machine.groups:
            yield (
                f"{machine.name}: homelab_hypervisor is set, but homelab_groups does not name {HYPERVISOR}; add it "
                "there, or remove homelab_hypervisor"
            )


def check_vms(inventory: Inventory) -> Iterator[str]:
    """A wish belongs to a virtual machine, with an id of its own and a disk that a server can live with."""
    ids: dict[int, list[str]] = defaultdict(list)
    for machine in inventory.machines:
        if machine.vm is None:
            continue
        if machine.kind != "vm":
            yield f"{machine.name}: homelab_vm is there, but homelab_machine.kind is {machine.kind}; remove homelab_vm"
        if machine.vm.id is not None:
            ids[machine.vm.id].append(machine.name)
            if machine.vm.id < LEAST_ID:
                yield f"{machine.name}: homelab_vm.id: {machine.vm.id} is kept by Proxmox; use {LEAST_ID} or more"
        disk = machine.vm.disk_gib
        if disk is not None and disk < LEAST_DISK:
            yield f"{machine.name}: homelab_vm.disk_gib: {disk} is too small for a server; write {LEAST_DISK} or more"
    for number, names in ids.items():
        if len(names) > 1:
            yield f"{' and '.join(names)} have one id, {number}; correct homelab_vm.id of one"


def advise_vms(inventory: Inventory) -> Iterator[str]:
    """A disk that is as small as the one that journals and images have filled before (incident I-12)."""
    for machine in inventory.machines:
        disk = machine.vm.disk_gib if machine.vm else None
        if disk is not None and LEAST_DISK <= disk < GOOD_DISK and made_by_proxmox(inventory, machine):
            yield (
                f"{machine.name} gets a disk of {disk} GiB; one of {LEAST_DISK} has been filled by journals and images "
                f"before, so write homelab_vm.disk_gib: {GOOD_DISK} or more"
            )


def made_by_proxmox(inventory: Inventory, machine: Machine) -> bool:
    """Whether the machine's host makes it."""
    host = next((each for each in inventory.machines if each.name == machine.host), None)
    return bool(host and host.hypervisor and host.hypervisor.product == "proxmox")
