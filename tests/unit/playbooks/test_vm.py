# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm.yml as a user runs it at home, where its questions are open and no hypervisor answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.unit.playbooks import home

OPEN = "is unknown and the layer vm needs it"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBmb9pDqVsWB9dblYkIcpYpnN2y1HH5f5w/vVmLHpEk5 josh"


def change(site: Path, machine: str, **values: Any) -> None:
    """Other values in a machine's file."""
    file = site / "host_vars" / f"{machine}.yml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | values))


def run(site: Path, *arguments: str, **variables: Any) -> tuple[int, str]:
    """Exit status of vm.yml and output in one line."""
    status, output = home.run(site, "playbooks/vm.yml", *arguments, **variables)
    assert "UNREACHABLE" not in output
    return status, output


def test_open_questions_stop_it(site: Path) -> None:
    status, output = run(site)
    assert status != 0
    assert f"r730: homelab_hypervisor {OPEN}" in output and f"k3s-master1: homelab_vm.image {OPEN}" in output


def test_tags_of_another_layer_leave_it_out(site: Path) -> None:
    """Ansible checks the arguments of an imported role whatever the tags are, and there are none without Proxmox."""
    status, output = run(site, "--tags", "cluster", vm_alone=False)
    assert status == 0, output


def test_a_build_of_other_layers_leaves_machines_alone_and_says_so(site: Path) -> None:
    status, output = run(site, vm_alone=False)
    assert status == 0, output
    assert "homelab_layers does not name vm, so virtual machines stay as their hypervisor has them" in output


def test_a_hypervisor_that_is_none_makes_nothing_and_says_so(site: Path) -> None:
    change(site, "r730", homelab_hypervisor="none", homelab_unknown=[])
    change(site, "k3s-master1", homelab_unknown=[])
    nics = [{"name": "enp2s0", "mac": "bc:24:11:00:00:01", "primary": True}]
    change(site, "r730", homelab_machine=machine(site, "r730") | {"nics": nics})
    change(site, "k3s-master1", homelab_machine=machine(site, "k3s-master1") | {"nics": [nics[0] | {"mac": MAC}]})
    status, output = run(site)
    assert status == 0, output
    assert "k3s-master1 runs on r730, whose homelab_hypervisor is none, so it is made by hand;" in output


def test_secrets_and_keys_that_are_missing_are_told_together(site: Path) -> None:
    change(site, "r730", homelab_hypervisor="proxmox", homelab_proxmox={"node": "pve"})
    status, output = run(site, homelab_list_questions=False)
    assert status != 0
    assert "k3s-master1: proxmox_vm_api_token_secret is empty, expected the secret of the token" in output
    assert "proxmox_vm_ssh_keys is empty, expected a public key, without which nobody can log in" in output


def test_an_api_that_does_not_answer_is_one_sentence(site: Path) -> None:
    change(
        site,
        "r730",
        homelab_hypervisor="proxmox",
        homelab_proxmox={"node": "pve", "api_host": "127.0.0.1", "api_port": 9},
    )
    status, output = run(
        site, homelab_list_questions=False, homelab_admin_keys=[KEY], homelab_proxmox_token_secret="a-secret-of-a-token"
    )
    assert status != 0 and "a-secret-of-a-token" not in output
    assert "nothing was changed, since at 127.0.0.1:9 the API does not answer at its address; start the node" in output


MAC = "bc:24:11:00:00:02"


def machine(site: Path, name: str) -> dict[str, Any]:
    """A machine's description."""
    found: dict[str, Any] = yaml.safe_load((site / "host_vars" / f"{name}.yml").read_text())["homelab_machine"]
    return found
