# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab is what its inventory says, and never reaches outside its own network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.command import Answer
from lab.errors import LabError
from lab.site import groups_of, load_site, site_from, with_version

INVENTORY = Path("inventory/lab")


def document(address: str = "198.18.10.21", **extra: Any) -> dict[str, Any]:
    """ansible-inventory's answer for one machine."""
    values = {
        "lab_name": "twin",
        "lab_subnet": "198.18.10.0/24",
        "homelab_admin_user": "josh",
        "homelab_k3s_version": "v1.32.5+k3s1",
        "homelab_machine": {"address": address},
    }
    return {
        "_meta": {"hostvars": {"k3s1": values | extra}},
        "all": {"children": ["ungrouped", "k3s_cluster"]},
        "k3s_cluster": {"children": ["k3s_agent"]},
        "k3s_agent": {"hosts": ["k3s1"]},
    }


def test_site_has_the_inventorys_machines() -> None:
    site = site_from(document(), INVENTORY)
    assert [(machine.name, machine.address, machine.is_member) for machine in site.machines] == [
        ("k3s1", "198.18.10.21", True)
    ]
    assert site.mirror_address == "198.18.10.2"
    assert site.container("k3s1") == "twin-k3s1"
    assert site.state.parts[-2:] == (".lab", "twin")


def test_site_refuses_machines_of_the_real_network() -> None:
    with pytest.raises(LabError, match=r"k3s1 \(192\.168\.10\.21\) lies outside the lab's network 198\.18\.10\.0/24"):
        site_from(document("192.168.10.21"), INVENTORY)


def test_site_refuses_an_inventory_that_is_no_lab() -> None:
    plain = document()
    for name in ("lab_name", "lab_subnet"):
        del plain["_meta"]["hostvars"]["k3s1"][name]
    with pytest.raises(LabError, match="is not a lab's inventory; set lab_name, lab_subnet in its group_vars/all"):
        site_from(plain, INVENTORY)


@pytest.mark.parametrize("name", ["", "..", "bin", "a/b", "Twin", "../home"])
def test_site_refuses_a_name_whose_folder_is_not_its_own(name: str) -> None:
    with pytest.raises(LabError, match="is not a short lower-case name"):
        site_from(document(lab_name=name), INVENTORY)


def test_site_refuses_the_addresses_it_needs_itself_and_names_all_problems() -> None:
    both = document("198.18.10.2", lab_name="..")
    with pytest.raises(LabError, match=r"lab_name '\.\.' .*; k3s1 has 198\.18\.10\.2, which the lab needs"):
        site_from(both, INVENTORY)


def test_site_refuses_a_machine_without_address() -> None:
    plain = document()
    plain["_meta"]["hostvars"]["k3s1"]["homelab_machine"] = {}
    with pytest.raises(LabError, match=r"k3s1 has no IPv4 address in homelab_machine\.address \(None\)"):
        site_from(plain, INVENTORY)


def test_site_refuses_a_network_that_is_none() -> None:
    with pytest.raises(LabError, match=r"lab_subnet: .*expected an IPv4 network such as 198\.18\.10\.0/24"):
        site_from(document(lab_subnet="198.18.10.7/24"), INVENTORY)


def test_site_refuses_an_empty_inventory() -> None:
    with pytest.raises(LabError, match="has no machines"):
        site_from({"_meta": {"hostvars": {}}}, INVENTORY)


def test_groups_include_parents_but_not_all() -> None:
    assert groups_of(document(), "k3s1") == ("k3s_agent", "k3s_cluster")


def test_load_site_asks_ansible() -> None:
    calls: list[Sequence[str]] = []

    def runner(argv: Sequence[str], stdin: str) -> Answer:
        calls.append(argv)
        return Answer(0, json.dumps(document()), "")

    assert load_site(INVENTORY, runner).name == "twin"
    assert calls == [["ansible-inventory", "-i", "inventory/lab", "--list"]]


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(LabError, match="lab_backend is 'paper', expected container or vm"):
        site_from(document(lab_backend="paper"), INVENTORY)


def test_the_twin_of_virtual_machines_says_what_it_is() -> None:
    assert site_from(document(lab_backend="vm"), INVENTORY).backend == "vm"
    assert site_from(document(), INVENTORY).backend == "container"


def test_a_version_that_follows_a_set_is_asked_of_ansible() -> None:
    asked: list[list[str]] = []

    def runner(argv: Sequence[str], stdin: str) -> Answer:
        asked.append(list(argv))
        return Answer(0, 'k3s1 | SUCCESS => {"changed": false, "homelab_k3s_version": "v1.36.5+k3s1"}', "")

    template = document(homelab_k3s_version="{{ homelab_releases.k3s }}")
    assert site_from(with_version(template, INVENTORY, runner), INVENTORY).k3s_version == "v1.36.5+k3s1"
    assert asked[0][:5] == ["ansible", "-i", "inventory/lab", "-o", "k3s1"]
    with_version(document(), INVENTORY, runner)
    assert len(asked) == 1


def test_a_version_without_a_value_is_one_sentence() -> None:
    template = document(homelab_k3s_version="{{ homelab_releases.k3s }}")
    with pytest.raises(LabError, match=r"inventory/lab names no homelab_k3s_version: .*correct homelab_release_set"):
        with_version(template, INVENTORY, lambda _argv, _stdin: Answer(0, 'k3s1 | SUCCESS => {"changed": false}', ""))
