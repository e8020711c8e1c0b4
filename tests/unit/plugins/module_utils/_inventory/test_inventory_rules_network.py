# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What network interfaces may not say together."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse import parse
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules import check
from tests.unit.plugins.module_utils._inventory.inventory_samples import inventory, put

PLACE = "k3s1: homelab_machine.nics"
USB = {"name": "enx6c1ff71be8c8", "mac": "6c:1f:f7:1b:e8:c8", "bus": "usb", "usb_id": "0bda:8156", "primary": True}
ONBOARD = {"name": "eno1", "mac": "6c:1f:f7:1b:e8:c9", "bus": "pci"}

CASES: list[tuple[list[dict[str, Any]], list[str]]] = [
    ([USB, ONBOARD], []),
    # the kernel's names are fine where nothing has to be pinned
    ([{**ONBOARD, "name": "eth0", "primary": True}], []),
    ([{**USB, "name": "lan0"}], []),
    ([{**USB, "name": "enx6c1ff71be8c8a"}], [
        f"{PLACE}[0].name: 'enx6c1ff71be8c8a' is no name that the kernel takes, expected at most 15 characters without "
        "blanks, '/', ':' and '%'; write it as ip -br link shows it"]),
    ([{**USB, "name": "eth1"}], [
        f"{PLACE}[0].name: eth1 is a name that the kernel hands out itself, so that a USB adapter cannot be pinned to "
        "it; use another one, e.g. lan0"]),
    ([{**USB, "name": "lxc0"}], [
        f"{PLACE}[0].name: lxc0 is a name of the container network, which networkd leaves alone; use another name"]),
    ([USB, {**ONBOARD, "name": USB["name"]}], [
        f"{PLACE[:-5]}.nics names enx6c1ff71be8c8 twice; give each interface its own name"]),
    ([{**ONBOARD, "usb_id": "0bda:8156", "primary": True}], [
        f"{PLACE}[0].usb_id is about a USB adapter, and its bus is pci; write bus: usb"]),
]  # fmt: skip


@pytest.mark.parametrize(("nics", "sentences"), CASES)
def test_interfaces(nics: list[dict[str, Any]], sentences: list[str]) -> None:
    machines, site = inventory()
    put(machines, "k3s1.homelab_machine.nics", nics)
    found, shape = parse(machines, site)
    assert [*(problem.sentence for problem in shape), *check(found)] == sentences


def test_a_usb_id_has_a_form() -> None:
    machines, site = inventory()
    put(machines, "k3s1.homelab_machine.nics", [{**USB, "usb_id": "0BDA 8156"}])
    (problem,) = parse(machines, site)[1]
    assert "write vendor and product as lsusb shows them, e.g. 0bda:8156" in problem.sentence


WISH = "k3s1: homelab_node.network"
UPLINKS: list[tuple[dict[str, Any], list[str]]] = [
    ({"static": True}, []),
    ({"static": True, "bond": {"backup": "eno1"}}, []),
    ({"static": True, "bond": {"name": "uplink", "backup": "eno1"}}, []),
    ({"bond": {"backup": "eno1"}}, [
        f"{WISH}.bond needs an address that is written down; write static: true beside it"]),
    ({"static": True, "bond": {"backup": "eno2"}}, [
        f"{WISH}.bond.backup: eno2 is not in homelab_machine.nics (enx6c1ff71be8c8, eno1); describe it there, with its "
        "MAC address"]),
    ({"static": True, "bond": {"backup": USB["name"]}}, [
        f"{WISH}.bond.backup: enx6c1ff71be8c8 is the primary interface itself; name the other one"]),
    ({"static": True, "bond": {"name": "lxcbond", "backup": "eno1"}}, [
        f"{WISH}.bond.name: lxcbond is no name for a bond, expected one of at most 15 characters that no interface and "
        "no container network has; leave it out for bond0"]),
    ({"static": "yes"}, [f"{WISH}.static: 'yes' is not true or false; write true or false without quotes"]),
    ({"static": True, "bond": {}}, [f"{WISH}.bond.backup is missing; write a word or a sentence"]),
]  # fmt: skip


@pytest.mark.parametrize(("wish", "sentences"), UPLINKS)
def test_an_address_that_is_written_down(wish: dict[str, Any], sentences: list[str]) -> None:
    machines, site = inventory()
    put(machines, "k3s1.homelab_machine.nics", [USB, ONBOARD])
    put(machines, "k3s1.homelab_node.network", wish)
    found, shape = parse(machines, site)
    assert [*(problem.sentence for problem in shape), *check(found)] == sentences


def test_an_address_that_is_written_down_needs_name_servers_that_are_too() -> None:
    machines, site = inventory()
    put(machines, "k3s1.homelab_node.network", {"static": True})
    site["homelab_node_network"] = {**site["homelab_node_network"], "dns": []}
    assert check(parse(machines, site)[0]) == [
        f"{WISH}.static: homelab_node_network.dns names no server, and DHCP will name none any more; write at least "
        "one there"
    ]
