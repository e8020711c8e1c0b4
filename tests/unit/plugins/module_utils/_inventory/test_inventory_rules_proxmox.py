# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hypervisors and virtual machines may not say together."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse import parse
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules import advice, check
from tests.unit.plugins.module_utils._inventory.inventory_samples import inventory, put

VM = {"master.homelab_machine.kind": "vm", "master.homelab_machine.host": "r730"}
API = {"r730.homelab_hypervisor": "proxmox", "r730.homelab_proxmox": {"node": "pve"}}
CASES: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    (VM | API | {"master.homelab_vm": {"id": 130, "disk_gib": 64}}, {}, []),
    (API | {"r730.homelab_proxmox": None}, {}, [
        "r730: homelab_proxmox is missing; write a mapping with the keys api_host, api_port, api_user, api_token_id, "
        "ca_path, api_fingerprint, node, storage, image_storage, bridge"]),
    ({"r730.homelab_hypervisor": "promox"}, {}, [
        "r730: homelab_hypervisor: 'promox' is not known (did you mean proxmox?); write one of proxmox, none"]),
    (API | {"r730.homelab_proxmox": {"node": "pve", "ca_path": "/a", "api_fingerprint": ":".join(["AB"] * 32)}}, {}, [
        "r730: homelab_proxmox has a ca_path and an api_fingerprint; keep the one that you can verify"]),
    ({"k3s1.homelab_hypervisor": "none"}, {}, [
        "k3s1: homelab_hypervisor is set, but homelab_groups does not name hypervisor; add it there, or remove "
        "homelab_hypervisor"]),
    ({"k3s1.homelab_vm": {}}, {}, [
        "k3s1: homelab_vm is there, but homelab_machine.kind is metal; remove homelab_vm"]),
    (VM | {"master.homelab_vm": {"disk_gib": 20}}, {}, [
        "master: homelab_vm.disk_gib: 20 is too small for a server; write 24 or more"]),
    (VM | {"master.homelab_vm": {"id": 30}}, {}, [
        "master: homelab_vm.id: 30 is kept by Proxmox; use 100 or more"]),
    (VM | {"master.homelab_vm": {"image": {"url": "https://example.net/a.img.xz", "sha256": "ab"}}}, {}, [
        "master: homelab_vm.image.url: 'https://example.net/a.img.xz' is not an address of a cloud image; write the "
        "address of a qcow2 image, whose name ends in .qcow2 or .img",
        "master: homelab_vm.image.sha256: 'ab' is not a SHA-256 digest; write the 64 digits of the image's "
        "SHA256SUMS"]),
    ({}, {"homelab_admin_keys": ["AAAA"]}, [
        "homelab_admin_keys[0]: 'AAAA' is not a public SSH key; write the one line of the .pub file"]),
]  # fmt: skip


@pytest.mark.parametrize(("machines", "site", "expected"), CASES)
def test_rules(machines: dict[str, Any], site: dict[str, Any], expected: list[str]) -> None:
    description, values = inventory()
    for path, value in machines.items():
        put(description, path, value)
    for path, value in site.items():
        put(values, path, value)
    found, shape = parse(description, values)
    assert [*(problem.sentence for problem in shape), *check(found)] == expected


def test_a_disk_that_has_been_filled_before_is_advised_against() -> None:
    description, values = inventory()
    for path, value in (VM | API | {"master.homelab_vm": {"disk_gib": 24}}).items():
        put(description, path, value)
    found, _shape = parse(description, values)
    assert (
        "master gets a disk of 24 GiB; one of 24 has been filled by journals and images before, so write "
        in " ".join(advice(found))
    )
