# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tiers, nodes, pools and exports may not say together."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse import parse
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules import check
from tests.unit.plugins.module_utils._inventory.inventory_samples import inventory, put

POOLS, EXPORTS = "r730.homelab_machine.pools", "r730.homelab_exports"
TIERS = "k3s1: homelab_node.tiers"

CASES: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"k3s1.homelab_node.tiers": ["nvme"]}, {}, [
        f"{TIERS}: 'nvme' takes disks; say how many: {{name: nvme, count: 2}}"]),
    ({"k3s1.homelab_node.tiers": [{"name": "general", "count": 1}]}, {}, [
        f"{TIERS}: 'general' is a directory and takes no disks; write its name alone"]),
    ({"k3s1.homelab_node.tiers": ["general", "general"]}, {}, [
        f"{TIERS}: 'general' is there 2 times; name it once, with all its disks in count"]),
    ({"k3s1.homelab_node.wipe": ["S1"]}, {}, [
        "k3s1: homelab_node.wipe names serials, but no tier here takes disks; remove wipe"]),
    ({}, {"homelab_tiers.general.replicas": 4}, [
        "homelab_tiers[general].replicas: 4 replicas on 3 nodes (k3s1, k3s2, master) would never be healthy, "
        "for a node holds one of each volume; write at most 3"]),
    ({}, {"homelab_default_storage_class": "longhor"}, [
        "homelab_default_storage_class: 'longhor' is the class of no tier; the classes are longhorn"]),
    ({}, {"homelab_tiers.nvme.storage_class": "longhorn"}, [
        "homelab_tiers: 2 tiers have the storage class 'longhorn'; give each its own"]),
    ({POOLS: ["/mnt/rust"], EXPORTS: ["/mnt/rusty/media"]}, {}, [
        "r730: homelab_exports: '/mnt/rusty/media' lies in no pool; homelab_machine.pools are /mnt/rust"]),
    ({POOLS: ["/mnt/rust"], EXPORTS: ["/mnt/rust/a", {"path": "/mnt/rust/a"}]}, {}, [
        "r730: homelab_exports: '/mnt/rust/a' is there 2 times; keep one"]),
    ({"k3s1.homelab_machine.pools": ["/mnt/a"], "k3s1.homelab_exports": ["/mnt/a"]}, {}, [
        "k3s1: homelab_exports is there, but homelab_groups does not name storage_host; "
        "add it, or remove the exports"]),
    ({"k3s1.homelab_node.tiers": ["general", {"name": "nvme", "count": 2}], "k3s1.homelab_node.wipe": ["S1"],
      POOLS: [{"path": "/mnt/rust"}], EXPORTS: ["/mnt/rust", "/mnt/rust/media"]},
     {"homelab_tiers.general.replicas": 3, "homelab_default_storage_class": "longhorn"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("machines_put", "site_put", "expected"), CASES)
def test_what_storage_may_not_say(machines_put: dict[str, Any], site_put: dict[str, Any], expected: list[str]) -> None:
    machines, site = inventory()
    for path, value in machines_put.items():
        put(machines, path, value)
    for path, value in site_put.items():
        put(site, path, value)
    found, shape = parse(machines, site)
    assert [problem.sentence for problem in shape] == []
    assert check(found) == expected
