# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What machines and site may not say together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import Unknown
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse import parse
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules import (
    advice,
    blocking,
    check,
    open_questions,
)
from tests.unit.plugins.module_utils._inventory.inventory_samples import inventory, machine, put

ADDRESS = "k3s1: homelab_machine.address"

FAULTS: list[tuple[str, Any, list[str]]] = [
    ("k3s1.homelab_machine.address", "192.168.10.23", [
        "k3s1 and k3s2 have one address, 192.168.10.23; correct homelab_machine.address of one"]),
    ("k3s1.homelab_machine.address", "192.168.11.21", [
        f"{ADDRESS}: 192.168.11.21 lies outside the node network 192.168.10.0/24; use an address inside it"]),
    ("k3s1.homelab_machine.address", "192.168.10.255", [
        f"{ADDRESS}: 192.168.10.255 is the first or last address of the node network 192.168.10.0/24; "
        "use one between"]),
    ("k3s1.homelab_machine.address", "192.168.10.1", [f"{ADDRESS}: 192.168.10.1 is the gateway's; use another"]),
    ("k3s1.homelab_machine.address", "192.168.10.224", [
        f"{ADDRESS}: 192.168.10.224 lies in homelab_load_balancer_cidr 192.168.10.224/28, which is for services; "
        "use another"]),
    ("k3s1.homelab_machine.nics.0.mac", "6C-1F-F7-1B-E8-17", [
        "k3s1 and k3s2 have one MAC address, 6c:1f:f7:1b:e8:17; read them again with 'ip -br link'"]),
    ("k3s1.homelab_node.name", "K3S2", [
        "k3s1: 'K3S2' is not a host name (RFC 1123); use up to 63 of a to z, 0 to 9 and '-'",
        "k3s1 and k3s2 have one node name, 'k3s2'; rename one (homelab_node.name, or its file)"]),
    ("k3s1.homelab_node.name", "k3s_1", [
        "k3s1: 'k3s_1' is not a host name (RFC 1123); use up to 63 of a to z, 0 to 9 and '-'"]),
    ("k3s1.homelab_groups", ["k3s_agent", "k3s_server"], [
        "k3s1: homelab_groups names k3s_server and k3s_agent; keep one, a server runs workloads too"]),
    ("k3s1.homelab_node", ..., [
        "k3s1: homelab_node is missing; write its labels, taints and tiers, or homelab_node: {}"]),
    ("r730.homelab_node", {}, [
        "r730: homelab_node is there, but homelab_groups names no group of the cluster; "
        "add k3s_server or k3s_agent there, or remove homelab_node"]),
    ("k3s1.homelab_node.tiers", ["nvm", "general"], [
        "k3s1: homelab_node.tiers: 'nvm' is not a tier (did you mean nvme?); the tiers are nvme, general"]),
    ("master.homelab_machine.host", "k3s1", [
        "master: homelab_machine.host: 'k3s1' is not in the group hypervisor (there: r730); name one that is"]),
]  # fmt: skip

SITE_FAULTS: list[tuple[str, Any, list[str]]] = [
    ("homelab_pod_cidr", "10.43.128.0/17", [
        "homelab_pod_cidr: 10.43.128.0/17 overlaps homelab_service_cidr 10.43.0.0/16; "
        "choose networks that share no address"]),
    ("homelab_pod_cidr", "192.168.0.0/16", [
        "homelab_pod_cidr: 192.168.0.0/16 overlaps homelab_node_network.cidr 192.168.10.0/24; "
        "choose networks that share no address",
        "homelab_pod_cidr: 192.168.0.0/16 overlaps homelab_load_balancer_cidr 192.168.10.224/28; choose another"]),
    ("homelab_cluster_dns", "10.42.0.10", [
        "homelab_cluster_dns: 10.42.0.10 is not in homelab_service_cidr 10.43.0.0/16; use one inside"]),
    ("homelab_cluster_dns", "10.43.0.1", [
        "homelab_cluster_dns: 10.43.0.1 is the address of the service 'kubernetes'; use another"]),
    ("homelab_node_network.gateway", "192.168.1.1", [
        "homelab_node_network.gateway: 192.168.1.1 lies outside 192.168.10.0/24; use an address inside it"]),
    ("homelab_api_address", "192.168.10.21", [
        "homelab_api_address: 192.168.10.21 belongs to no server (their addresses: 192.168.10.30); "
        "use one of them, or set homelab_api_virtual_address to it as well"]),
    ("homelab_api_virtual_address", "192.168.10.21", [
        f"{ADDRESS}: 192.168.10.21 is homelab_api_virtual_address, which belongs to no machine; use another"]),
]  # fmt: skip


def sentences(machines: dict[str, Any], site: dict[str, Any]) -> list[str]:
    model, problems = parse(machines, site)
    assert problems == []
    return check(model)


def test_a_sound_inventory_breaks_no_rule() -> None:
    assert sentences(*inventory()) == []


@pytest.mark.parametrize(("path", "value", "expected"), FAULTS)
def test_machines_that_contradict_each_other_or_the_site(path: str, value: Any, expected: list[str]) -> None:
    machines, site = inventory()
    put(machines, path, value)
    if path.endswith("homelab_groups"):
        machines[path.partition(".")[0]]["group_names"] = value
    assert sentences(machines, site) == expected


@pytest.mark.parametrize(("path", "value", "expected"), SITE_FAULTS)
def test_a_site_that_contradicts_itself(path: str, value: Any, expected: list[str]) -> None:
    machines, site = inventory()
    put(site, path, value)
    assert sentences(machines, site) == expected


def test_the_documented_example_is_sound() -> None:
    guide = (Path(__file__).resolve().parents[5] / "docs/inventory.md").read_text()
    example = re.search(r"```yaml\n# host_vars/k3s4.yml.*?```", guide, re.DOTALL)
    assert example
    machines, site = inventory()
    machines["k3s4"] = yaml.safe_load(example.group().strip("`").removeprefix("yaml"))
    assert sentences(machines, site) == []


def test_workers_need_a_server() -> None:
    machines, site = inventory()
    del machines["master"]
    assert sentences(machines, site) == [
        "the group k3s_server has no machine, but 2 machines in k3s_agent need one; "
        "name it in homelab_groups of the first server"
    ]


def test_three_servers_are_an_odd_number() -> None:
    machines, site = inventory()
    machines |= {"s2": machine(32, "k3s_server"), "s3": machine(33, "k3s_server")}
    assert sentences(machines, site) == []


@pytest.mark.parametrize(("more", "problems", "warnings"), [(0, 0, 0), (1, 0, 1), (2, 0, 0), (3, 1, 0), (4, 0, 0)])
def test_two_servers_are_warned_of_and_four_refused(more: int, problems: int, warnings: int) -> None:
    machines, site = inventory()
    machines |= {f"s{number}": machine(32 + number, "k3s_server") for number in range(more)}
    found = parse(machines, site)[0]
    assert (len(sentences(machines, site)), len(advice(found))) == (problems, warnings)


def test_two_servers_with_one_name() -> None:
    machines, site = inventory()
    machines |= {"s2": machine(32, "k3s_server"), "s3": machine(33, "k3s_server")}
    put(machines, "s3.homelab_node.name", "master")
    assert sentences(machines, site) == [
        "master and s3 have one node name, 'master'; rename one (homelab_node.name, or its file)"
    ]


def test_an_api_at_a_declared_virtual_address() -> None:
    machines, site = inventory()
    site |= {"homelab_api_address": "192.168.10.200", "homelab_api_virtual_address": "192.168.10.200"}
    assert sentences(machines, site) == []


def test_a_group_from_another_inventory_file_counts() -> None:
    machines, site = inventory()
    machines["k3s1"]["group_names"] = ["k3s_agent", "k3s_server"]
    assert sentences(machines, site) == FAULTS[8][2]


def test_open_questions_name_the_site_first() -> None:
    machines, site = inventory()
    put(machines, "k3s1.homelab_unknown", [{"fact": "os", "needed_by": "gpu", "question": "Which system?"}])
    put(site, "homelab_site_unknown", [{"fact": "ntp", "needed_by": "hosts", "question": "Which clock?"}])
    assert open_questions(parse(machines, site)[0]) == [
        Unknown("site", "ntp", "hosts", "Which clock?"),
        Unknown("k3s1", "os", "gpu", "Which system?"),
    ]


@pytest.mark.parametrize(("layers", "count"), [([], 0), (["cluster"], 0), (["gpu"], 1), (["gpu", "hosts"], 2)])
def test_a_question_blocks_only_the_layer_that_needs_it(layers: list[str], count: int) -> None:
    unknowns = [Unknown("site", "ntp", "hosts", "Which clock?"), Unknown("k3s1", "os", "gpu", "Which system?")]
    assert len(blocking(unknowns, layers)) == count


def test_a_blocking_question_says_where_the_answer_goes() -> None:
    assert blocking([Unknown("k3s1", "os", "gpu", "Which system?")], ["gpu"]) == [
        "k3s1: os is unknown and the layer gpu needs it; answer 'Which system?' in the inventory and remove the "
        "question from homelab_unknown"
    ]
