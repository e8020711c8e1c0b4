# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm.yml as a user runs it at home, where its questions are open and no hypervisor answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
TOKENS = {
    "homelab_k3s_server_token": "5f1d9a7c3e8b2046d1c95e7a80b3f264",
    "homelab_k3s_agent_token": "e8a04b7d2c6f19358d7be0a4c15f2936",
}
OPEN = "is unknown and the layer vm needs it"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBmb9pDqVsWB9dblYkIcpYpnN2y1HH5f5w/vVmLHpEk5 josh"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A copy of the homelab with tokens, and nothing that answers."""
    copy = tmp_path / "site"
    shutil.copytree(ROOT / "inventory/home", copy, ignore=shutil.ignore_patterns("secrets*"))
    (copy / "group_vars/all/secrets.yml").write_text(yaml.safe_dump(TOKENS))
    return copy


def change(site: Path, machine: str, **values: Any) -> None:
    """Other values in a machine's file."""
    file = site / "host_vars" / f"{machine}.yml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | values))


def run(site: Path, *arguments: str, **variables: Any) -> tuple[int, str]:
    """Exit status and output in one line."""
    argv = ["ansible-playbook", "-i", str(site), "playbooks/vm.yml", "--extra-vars", json.dumps(variables), *arguments]
    environment = os.environ | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORKS": "5"}
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True)
    output = " ".join((done.stdout + done.stderr).split())
    assert "UNREACHABLE" not in output
    return done.returncode, output


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
