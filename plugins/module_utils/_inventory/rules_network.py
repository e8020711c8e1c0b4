# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what network interfaces may not say together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import (
    Inventory,
    Machine,
    NetworkWish,
    Nic,
)

# What fits into the kernel's IFNAMSIZ with its closing zero.
LONGEST_NAME = 15
# Names that the kernel hands out itself, in the order in which it finds the interfaces.
KERNELS_OWN = re.compile(r"(?:eth|usb|wlan|wwan)\d+")
# Names of the container network; node_network keeps systemd-networkd away from them.
CONTAINERS = re.compile(r"cilium_|lxc|veth|tmp[0-9a-f]{5}$|cni\d|flannel")


def check_nics(inventory: Inventory) -> Iterator[str]:
    """Interfaces have names that can be pinned, and USB adapters say how they are recognized."""
    for machine in inventory.machines:
        yield from _twice(machine)
        for number, nic in enumerate(machine.nics):
            yield from _judge(f"{machine.name}: homelab_machine.nics[{number}]", nic)


def _twice(machine: Machine) -> Iterator[str]:
    names = [nic.name for nic in machine.nics if nic.name]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{machine.name}: homelab_machine.nics names {name} twice; give each interface its own name"


def check_uplinks(inventory: Inventory) -> Iterator[str]:
    """What is to be written down on a node can be, and a bond has a second interface."""
    for machine in inventory.machines:
        wish = machine.wish.network if machine.wish else None
        if wish is None:
            continue
        where = f"{machine.name}: homelab_node.network"
        if wish.static and not inventory.site.has_dns:
            yield (
                f"{where}.static: homelab_node_network.dns names no server, and DHCP will name none any more; write at "
                "least one there"
            )
        if wish.bond is not None:
            yield from _judge_bond(f"{where}.bond", machine, wish)


def _judge_bond(where: str, machine: Machine, wish: NetworkWish) -> Iterator[str]:
    name, known = wish.bond or "", [nic.name for nic in machine.nics if nic.name]
    if not wish.static:
        yield f"{where} needs an address that is written down; write static: true beside it"
    if len(name) > LONGEST_NAME or re.search(r"[\s/:%]", name) or CONTAINERS.match(name) or name in known:
        yield (
            f"{where}.name: {name} is no name for a bond, expected one of at most {LONGEST_NAME} characters that no "
            "interface and no container network has; leave it out for bond0"
        )
    if wish.backup is not None and wish.backup not in known:
        yield (
            f"{where}.backup: {wish.backup} is not in homelab_machine.nics ({', '.join(known) or 'none'}); "
            "describe it there, with its MAC address"
        )
    elif any(nic.primary and nic.name == wish.backup for nic in machine.nics):
        yield f"{where}.backup: {wish.backup} is the primary interface itself; name the other one"


def _judge(where: str, nic: Nic) -> Iterator[str]:
    name = nic.name or ""
    if len(name) > LONGEST_NAME or re.search(r"[\s/:%]", name):
        yield (
            f"{where}.name: '{name}' is no name that the kernel takes, expected at most {LONGEST_NAME} characters "
            "without blanks, '/', ':' and '%'; write it as ip -br link shows it"
        )
    elif CONTAINERS.match(name):
        yield f"{where}.name: {name} is a name of the container network, which networkd leaves alone; use another name"
    elif nic.bus == "usb" and KERNELS_OWN.fullmatch(name):
        yield (
            f"{where}.name: {name} is a name that the kernel hands out itself, so that a USB adapter cannot be pinned "
            "to it; use another one, e.g. lan0"
        )
    if nic.usb_id and nic.bus != "usb":
        yield f"{where}.usb_id is about a USB adapter, and its bus is {nic.bus or 'not said'}; write bus: usb"
