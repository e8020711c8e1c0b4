# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiers, pools and exports: every fault is named by its path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse import parse
from tests.unit.plugins.module_utils._inventory.inventory_samples import inventory, put

HOME = Path(__file__).resolve().parents[5] / "inventory/home"
PATH_FIX = "begin it with /, without a slash at its end"
SELECT_KEYS = "transport, vendor, model, serial, wwn, pci_id, size_min, size_max, rotational"
UUID = "0a1b2c3d-0000-4000-8000-00000000000a"

TIER_FAULTS: list[tuple[str, Any, str]] = [
    ("general.directory", ...,
     "homelab_tiers[general] needs either disks or a directory; "
     "write select and mount for disks, or directory for one of the system"),
    ("nvme.directory", "/srv",
     "homelab_tiers[nvme] needs either disks or a directory; "
     "write select and mount for disks, or directory for one of the system"),
    ("nvme.mount", ..., f"homelab_tiers[nvme].mount is missing; {PATH_FIX}"),
    ("nvme.mount", "mnt/nvme-{n}", f"homelab_tiers[nvme].mount: 'mnt/nvme-{{n}}' is not an absolute path; {PATH_FIX}"),
    ("nvme.select", {},
     f"homelab_tiers[nvme].select is empty and would take any disk; name one or more of {SELECT_KEYS}"),
    ("nvme.select", {"device": "/dev/sda"},
     f"homelab_tiers[nvme].select.device is not known; the keys here are {SELECT_KEYS}"),
    ("nvme.select.rotational", "no",
     "homelab_tiers[nvme].select.rotational: 'no' is not true or false; write true or false without quotes"),
    ("nvme.reserve", "10%",
     "homelab_tiers[nvme].reserve: '10%' is not a size; write a number with its unit, e.g. 20GiB"),
    ("general.reserve", "a lot",
     "homelab_tiers[general].reserve: 'a lot' is not a size or a share; write a size or a share, e.g. 100GiB or 40%"),
    ("nvme.filesystem", "zfs",
     "homelab_tiers[nvme].filesystem: 'zfs' is not known (did you mean xfs?); write one of ext4, xfs"),
    ("general.replicas", 0,
     "homelab_tiers[general].replicas: '0' is not a whole number from 1; write digits without quotes or unit, e.g. 8"),
    ("general.storage_class", "Longhorn",
     "homelab_tiers[general].storage_class: 'Longhorn' is not a name of a storage class; "
     "write lower-case letters, digits and -"),
]  # fmt: skip

MACHINE_FAULTS: list[tuple[str, Any, list[str]]] = [
    ("k3s1.homelab_node.tiers", [{"name": "nvme", "count": 0}], [
        "k3s1: homelab_node.tiers[0].count: '0' is not a whole number from 1; "
        "write digits without quotes or unit, e.g. 8"]),
    ("k3s1.homelab_node.tiers", [{"name": "nvme", "cont": 2}], [
        "k3s1: homelab_node.tiers[0].cont is not known (did you mean count?); the keys here are name, count, select"]),
    ("k3s1.homelab_node.tiers", [7], [
        "k3s1: homelab_node.tiers[0]: '7' is not a mapping; write a mapping with the keys name, count, select",
        "k3s1: homelab_node.tiers[0].name is missing; write a word or a sentence"]),
    ("k3s1.homelab_node.wipe", ["/dev/sda"], [
        "k3s1: homelab_node.wipe[0]: '/dev/sda' is not a serial number; "
        "name the disk by the serial that disk_info shows"]),
    ("r730.homelab_machine.pools", ["/mnt/a", {"path": "/mnt/rust", "uuid": "sda1"}], [
        "r730: homelab_machine.pools[1].uuid: 'sda1' is not the UUID of a file system; "
        "copy it from lsblk -o NAME,UUID"]),
    ("r730.homelab_machine.pools", [{"path": "/mnt/rust", "uuid": UUID, "filesystem": "zfs"}], [
        "r730: homelab_machine.pools[0] has a uuid and is of ZFS, which mounts its datasets itself; remove the uuid"]),
    ("r730.homelab_machine.pools", ["/mnt/rust/"], [
        f"r730: homelab_machine.pools[0]: '/mnt/rust/' is not an absolute path; {PATH_FIX}"]),
    ("r730.homelab_exports", [{"path": "/mnt/rust/media", "squash": "al"}], [
        "r730: homelab_exports[0].squash: 'al' is not known (did you mean all?); write one of all, root, none"]),
    ("r730.homelab_exports", [{"path": "/mnt/rust/media", "mode": 775}], [
        "r730: homelab_exports[0].mode: '775' is not a file mode; write it in octal and in quotes, e.g. \"0775\""]),
    ("r730.homelab_exports", ["/mnt/my media"], [
        f"r730: homelab_exports[0]: '/mnt/my media' is not an absolute path; {PATH_FIX}"]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "expected"), TIER_FAULTS)
def test_a_fault_of_a_tier_is_named_by_its_path(path: str, value: Any, expected: str) -> None:
    machines, site = inventory()
    put(site["homelab_tiers"], path, value)
    assert [problem.sentence for problem in parse(machines, site)[1]] == [expected]


@pytest.mark.parametrize(("path", "value", "expected"), MACHINE_FAULTS)
def test_a_fault_of_a_machine_is_named_by_its_path(path: str, value: Any, expected: list[str]) -> None:
    machines, site = inventory()
    put(machines, path, value)
    assert [problem.sentence for problem in parse(machines, site)[1]] == expected


def test_the_home_inventory_is_read_with_its_tiers_and_exports() -> None:
    site = {**inventory()[1], **yaml.safe_load((HOME / "group_vars/all/tiers.yml").read_text())}
    machines = {file.stem: yaml.safe_load(file.read_text()) for file in (HOME / "host_vars").glob("*.yml")}
    found, problems = parse(machines, site)
    assert [problem.sentence for problem in problems] == []
    by_name = {machine.name: machine for machine in found.machines}
    wish = by_name["k3s3"].wish
    assert wish is not None
    assert {each.name: each.count for each in wish.tiers} == {"optane": 2, "nvme": 2, "sas-ssd": 7}
    assert by_name["r730"].pools == ("/mnt/nvme_storage", "/mnt/rust")
    assert len(by_name["r730"].exports) == 14
