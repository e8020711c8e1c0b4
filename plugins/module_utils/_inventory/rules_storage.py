# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what tiers, nodes, pools and exports may not say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import (
    STORAGE_HOST,
    Inventory,
    Machine,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.reader import did_you_mean


def check_tiers(inventory: Inventory) -> Iterator[str]:
    """Every tier a node names is in the catalogue, once, and says how many disks when it takes disks."""
    known = {tier.name: tier for tier in inventory.site.tiers}
    for machine in inventory.machines:
        where = f"{machine.name}: homelab_node.tiers"
        wishes = machine.wish.tiers if machine.wish else ()
        for wish in wishes:
            tier = known.get(wish.name)
            if tier is None:
                hint, catalogue = did_you_mean(wish.name, list(known)), ", ".join(known) or "none"
                yield f"{where}: '{wish.name}' is not a tier{hint}; the tiers are {catalogue}"
            elif tier.on_disks and wish.count is None:
                yield f"{where}: '{wish.name}' takes disks; say how many: {{name: {wish.name}, count: 2}}"
            elif not tier.on_disks and wish.count is not None:
                yield f"{where}: '{wish.name}' is a directory and takes no disks; write its name alone"
        for name, count in Counter(wish.name for wish in wishes).items():
            if count > 1:
                yield f"{where}: '{name}' is there {count} times; name it once, with all its disks in count"
        if machine.wish and machine.wish.wipe and not any(wish.count for wish in wishes):
            yield f"{machine.name}: homelab_node.wipe names serials, but no tier here takes disks; remove wipe"


def check_classes(inventory: Inventory) -> Iterator[str]:
    """Storage classes belong to one tier each, and ask for no more replicas than nodes can hold."""
    tiers = inventory.site.tiers
    classes = [tier.storage_class for tier in tiers if tier.storage_class]
    for name, count in Counter(classes).items():
        if count > 1:
            yield f"homelab_tiers: {count} tiers have the storage class '{name}'; give each its own"
    default = inventory.site.default_class
    if default and default not in classes:
        known = ", ".join(classes) or "none"
        yield f"homelab_default_storage_class: '{default}' is the class of no tier; the classes are {known}"
    for tier in tiers:
        nodes = [machine.name for machine in inventory.machines if machine.wish and tier.name in names(machine)]
        if nodes and tier.replicas and tier.replicas > len(nodes):
            yield (
                f"homelab_tiers[{tier.name}].replicas: {tier.replicas} replicas on {len(nodes)} nodes "
                f"({', '.join(nodes)}) would never be healthy, for a node holds one of each volume; "
                f"write at most {len(nodes)}"
            )


def names(machine: Machine) -> list[str]:
    """The tiers that a node offers."""
    return [wish.name for wish in machine.wish.tiers] if machine.wish else []


def check_exports(inventory: Inventory) -> Iterator[str]:
    """Exports lie in pools of a storage host, each once."""
    for machine in inventory.machines:
        where = f"{machine.name}: homelab_exports"
        paths = [export.path for export in machine.exports]
        if paths and STORAGE_HOST not in machine.groups:
            yield f"{where} is there, but homelab_groups does not name {STORAGE_HOST}; add it, or remove the exports"
        for path, count in Counter(paths).items():
            if count > 1:
                yield f"{where}: '{path}' is there {count} times; keep one"
            if not any(PurePosixPath(path).is_relative_to(pool) for pool in machine.pools):
                known = ", ".join(machine.pools) or "none"
                yield f"{where}: '{path}' lies in no pool; homelab_machine.pools are {known}"
