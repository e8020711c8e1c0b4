# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes: every fault is named by its path, all at once."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse import parse
from tests.unit.plugins.module_utils._inventory.inventory_samples import inventory, put

ADDRESS_FIX = "write four numbers, e.g. 192.168.10.21"
KEYS = "kind, vendor, product, host, address, os, cpu, memory_gib, nics, disks, gpus, pools, storage_controller"
MAC_FIX = "write six hexadecimal pairs, e.g. 6c:1f:f7:1b:e8:c8"
NIC = "k3s1: homelab_machine.nics[0]"
GROUPS = "k3s_server, k3s_agent, hypervisor, storage_host"

FAULTS: list[tuple[str, Any, list[str]]] = [
    ("k3s1.homelab_machine.nics.0.mac", "xx", [f"{NIC}.mac: 'xx' is not a MAC address; {MAC_FIX}"]),
    ("k3s1.homelab_machine.nics.0.mac", ..., [f"{NIC}.mac is missing; {MAC_FIX}"]),
    ("k3s1.homelab_machine.nics.0.mac", 12, [f"{NIC}.mac: '12' is not a MAC address; {MAC_FIX}"]),
    ("k3s1.homelab_machine.nics.0.speed_mbps", "2500", [
        f"{NIC}.speed_mbps: '2500' is not a whole number from 1; write digits without quotes or unit, e.g. 8"]),
    ("k3s1.homelab_machine.nics.0.bus", "ubs", [
        f"{NIC}.bus: 'ubs' is not known (did you mean usb?); write one of usb, pci, virtio"]),
    ("k3s1.homelab_machine.nics.0.primary", "yes", [
        f"{NIC}.primary: 'yes' is not true or false; write true or false without quotes",
        "k3s1: homelab_machine.nics: 0 interfaces are primary, expected one; "
        "write primary: true on the one that carries the address"]),
    ("k3s1.homelab_machine.nics", [], [
        "k3s1: homelab_machine.nics is missing; describe at least the interface that carries the address"]),
    ("k3s1.homelab_machine.nics", {"name": "eth0"}, [
        "k3s1: homelab_machine.nics: a mapping is not a list; write it as [..], with one element for each thing"]),
    ("k3s1.homelab_machine.kind", "meta", [
        "k3s1: homelab_machine.kind: 'meta' is not known (did you mean metal?); write one of metal, vm"]),
    ("k3s1.homelab_machine.kind", "vm", ["k3s1: homelab_machine.host is missing; write a word or a sentence"]),
    ("k3s1.homelab_machine.address", "192.168.10.300", [
        f"k3s1: homelab_machine.address: '192.168.10.300' is not an IPv4 address; {ADDRESS_FIX}"]),
    ("k3s1.homelab_machine.address", 3232238101, [
        f"k3s1: homelab_machine.address: '3232238101' is not an IPv4 address; {ADDRESS_FIX}"]),
    ("k3s1.homelab_machine.os", "ubuntu-20.04", [
        "k3s1: homelab_machine.os: 'ubuntu-20.04' is not known (did you mean ubuntu-24.04?); "
        "write one of debian-12, ubuntu-22.04, ubuntu-24.04"]),
    ("k3s1.homelab_machine.gpus.0.vendor", "amd", [
        "k3s1: homelab_machine.gpus[0].vendor: 'amd' is not known; write one of intel, nvidia"]),
    ("k3s1.homelab_machine.gpus.0.pci_id", "9bc8", [
        "k3s1: homelab_machine.gpus[0].pci_id: '9bc8' is not a PCI id; "
        "write vendor and device as lspci -nn shows them, e.g. 10de:1eb8"]),
    ("k3s1.homelab_machine.disks.0.count", 0, [
        "k3s1: homelab_machine.disks[0].count: '0' is not a whole number from 1; "
        "write digits without quotes or unit, e.g. 8"]),
    ("k3s1.homelab_machine.disks.0.size_gb", ..., [
        "k3s1: homelab_machine.disks[0].size_gb is missing; write a whole number from 1"]),
    ("k3s1.homelab_machine.disks.0.serial_pattern", "S5P2[", [
        "k3s1: homelab_machine.disks[0].serial_pattern: 'S5P2[' is not a regular expression (unterminated character "
        "set at position 4); write the serial number, or the part all disks share"]),
    ("k3s1.homelab_machine.memory", 16, [
        f"k3s1: homelab_machine.memory is not known (did you mean memory_gib?); the keys here are {KEYS}"]),
    ("k3s1.homelab_machine", ..., [
        f"k3s1: homelab_machine is missing; write a mapping with the keys {KEYS}"]),
    ("k3s1.homelab_groups", ..., [
        f"k3s1: homelab_groups is missing; write a list with one or more of {GROUPS}"]),
    ("k3s1.homelab_groups", ["k3s_agents"], [
        f"k3s1: homelab_groups[0]: 'k3s_agents' is not known (did you mean k3s_agent?); write one of {GROUPS}"]),
    ("k3s1.homelab_node.labels", {"intel-gpu": True}, [
        "k3s1: homelab_node.labels[intel-gpu]: 'True' is not a text; put it in quotes, e.g. \"true\""]),
    ("k3s1.homelab_node.taints", [{"key": "a", "effect": "NoSchedul"}], [
        "k3s1: homelab_node.taints[0].effect: 'NoSchedul' is not known (did you mean NoSchedule?); "
        "write one of NoSchedule, PreferNoSchedule, NoExecute"]),
    ("k3s1.homelab_node.tier", ["general"], [
        "k3s1: homelab_node.tier is not known (did you mean tiers?); "
        "the keys here are name, labels, taints, tiers, wipe, gpu, network"]),
    ("k3s1.homelab_unknown", [{"fact": "os", "needed_by": "soon", "question": "Which?"}], [
        "k3s1: homelab_unknown[0].needed_by: 'soon' is not known; "
        "write one of hosts, cluster, storage, gpu, network, gitops, vm"]),
]  # fmt: skip

SITE_FAULTS: list[tuple[str, Any, str]] = [
    ("homelab_k3s_version", "1.32.5",
     "homelab_k3s_version: '1.32.5' is not a version of K3s; write it as its release is called, e.g. v1.32.5+k3s1"),
    ("homelab_k3s_version", 1.32,
     "homelab_k3s_version: '1.32' is not a version of K3s; write it as its release is called, e.g. v1.32.5+k3s1"),
    ("homelab_pod_cidr", "10.42.1.0/16",
     "homelab_pod_cidr: '10.42.1.0/16' is not an IPv4 network; "
     "write the network's first address and its prefix length, e.g. 192.168.10.0/24"),
    ("homelab_node_network.dns", ["router"],
     "homelab_node_network.dns[0]: 'router' is not an IPv4 address; write four numbers, e.g. 192.168.10.21"),
    ("homelab_tiers", None,
     "homelab_tiers is missing; write a mapping of tier names to {description: ..}, or {} for none"),
    ("homelab_wait_for", "redy",
     "homelab_wait_for: 'redy' is not known (did you mean ready?); write one of registered, ready"),
    ("homelab_k3s_release_url", "file://share/k3s",
     "homelab_k3s_release_url: 'file://share/k3s' is not an address of releases; "
     "write it with https:// or http://, or file:/// for a folder"),
    ("homelab_airgap_folder", "releases", "homelab_airgap_folder: 'releases' is not a folder; write it from / or ~/"),
    ("homelab_hardening", "on",
     "homelab_hardening: 'on' is not true or false; write true or false without quotes"),
    ("homelab_snapshot_schedule", "every hour",
     "homelab_snapshot_schedule: 'every hour' is not a schedule; "
     "write five fields as cron reads them, e.g. 0 */6 * * *"),
    ("homelab_snapshot_retention", 0,
     "homelab_snapshot_retention: '0' is not a whole number from 1; write digits without quotes or unit, e.g. 8"),
    ("homelab_api_address", None, "homelab_api_address is missing; write four numbers, e.g. 192.168.10.21"),
]  # fmt: skip


def sentences(machines: dict[str, Any], site: dict[str, Any]) -> list[str]:
    return [problem.sentence for problem in parse(machines, site)[1]]


def test_a_sound_inventory_has_no_fault() -> None:
    assert sentences(*inventory()) == []


@pytest.mark.parametrize(("path", "value", "expected"), FAULTS)
def test_a_fault_of_a_machine_is_named_by_its_path(path: str, value: Any, expected: list[str]) -> None:
    machines, site = inventory()
    put(machines, path, value)
    assert sentences(machines, site) == expected


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("homelab_k3s_release_url", "file:///srv/k3s"),
        ("homelab_airgap_folder", "~/releases/k3s"),
        ("homelab_airgap_folder", ""),
        ("homelab_hardening", True),
        ("homelab_snapshot_schedule", "0 */6 * * *"),
        ("homelab_snapshot_retention", 28),
    ],
)
def test_what_a_site_may_say_of_k3s(path: str, value: Any) -> None:
    machines, site = inventory()
    put(site, path, value)
    assert sentences(machines, site) == []


@pytest.mark.parametrize(("path", "value", "expected"), SITE_FAULTS)
def test_a_fault_of_the_site_is_named_by_its_variable(path: str, value: Any, expected: str) -> None:
    machines, site = inventory()
    put(site, path, value)
    assert sentences(machines, site) == [expected]


def test_all_faults_come_at_once() -> None:
    machines, site = inventory()
    for path, value, _expected in (FAULTS[0], FAULTS[3], FAULTS[-2]):
        put(machines, path, value)
    put(site, *SITE_FAULTS[0][:2])
    assert len(sentences(machines, site)) == 4


def test_a_missing_fact_that_is_asked_for_is_no_fault() -> None:
    machines, site = inventory()
    put(machines, "k3s1.homelab_machine.nics.0.mac", ...)
    question = {"fact": "homelab_machine.nics[0].mac", "needed_by": "network", "question": "Which MAC?"}
    put(machines, "k3s1.homelab_unknown", [question])
    assert sentences(machines, site) == []


def test_a_wrong_fact_stays_a_fault_when_it_is_asked_for() -> None:
    machines, site = inventory()
    put(machines, "k3s1.homelab_machine.nics.0.mac", "xx")
    question = {"fact": "homelab_machine.nics[0]", "needed_by": "network", "question": "Which MAC?"}
    put(machines, "k3s1.homelab_unknown", [question])
    assert sentences(machines, site) == FAULTS[0][2]


@pytest.mark.parametrize("value", [7, "text", ["list"]])
@pytest.mark.parametrize("key", ["homelab_machine", "homelab_node", "homelab_groups", "homelab_unknown"])
def test_nothing_at_all_makes_the_parser_stumble(key: str, value: Any) -> None:
    machines, site = inventory()
    put(machines, f"k3s1.{key}", value)
    assert any(sentence.startswith(f"k3s1: {key}") for sentence in sentences(machines, site)) or value == ["list"]


def test_values_are_normalised() -> None:
    machines, site = inventory()
    put(machines, "k3s1.homelab_machine.nics.0.mac", "6C-1F-F7-1B-E8-C8")
    model, _problems = parse(machines, site)
    assert [nic.mac for machine in model.machines if machine.name == "k3s1" for nic in machine.nics] == [
        "6c:1f:f7:1b:e8:c8"
    ]
