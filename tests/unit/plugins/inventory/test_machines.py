# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin as Ansible runs it, on folders made for each test and on the real ones."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[4]
CONFIG = {"plugin": "fletcherlabs.homelab.machines"}


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    return path


def read(inventory: Path) -> tuple[dict[str, Any], str]:
    """Ansible's view of an inventory, and what it complained about."""
    argv = ["ansible-inventory", "-i", str(inventory), "--list"]
    done = subprocess.run(argv, cwd=ROOT, env=os.environ | {"ANSIBLE_NOCOLOR": "1"}, capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else {}, done.stderr


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    write(folder / "machines.yml", CONFIG)
    write(
        folder / "host_vars/k3s1.yml",
        {"homelab_groups": ["k3s_agent"], "homelab_machine": {"address": "192.168.10.21"}, "level": "home host"},
    )
    write(
        folder / "host_vars/master/a.yml",
        {"homelab_groups": ["k3s_server"], "homelab_machine": {"address": "192.168.10.30"}},
    )
    write(
        folder / "group_vars/all/site.yml",
        {
            "level": "home all",
            "api": "https://192.168.10.30:6443",
            "text": "{{ level }} at {{ homelab_machine.address }}",
            "color": "home all",
        },
    )
    write(folder / "group_vars/k3s_server.yml", {"level": "home group", "only": "home group"})
    write(folder / "group_vars/all/secrets.yml", {"token": "home's own"})
    return folder


@pytest.fixture
def twin(home: Path) -> Path:
    folder = home.parent / "twin"
    write(folder / "machines.yml", CONFIG | {"source": "../home", "rebase": {"192.168.10.0/24": "198.18.10.0/24"}})
    write(folder / "group_vars/all.yml", {"color": "twin all"})
    return folder


def test_one_host_per_description_in_the_groups_it_names(home: Path) -> None:
    found, _errors = read(home)
    assert sorted(found["k3s_cluster"]["children"]) == ["k3s_agent", "k3s_server"]
    assert found["k3s_agent"]["hosts"] == ["k3s1"]
    assert found["k3s_server"]["hosts"] == ["master"]
    assert found["_meta"]["hostvars"]["k3s1"]["ansible_host"] == "192.168.10.21"
    assert found["_meta"]["hostvars"]["k3s1"]["token"] == "home's own"


def test_a_twin_moves_every_address_and_reads_no_secret(twin: Path) -> None:
    found, _errors = read(twin)
    variables = found["_meta"]["hostvars"]["master"]
    assert variables["ansible_host"] == "198.18.10.30"
    assert variables["homelab_machine"] == {"address": "198.18.10.30"}
    assert variables["api"] == "https://198.18.10.30:6443"
    assert "token" not in variables
    assert found["k3s_server"]["hosts"] == ["master"]


def test_a_twins_own_values_override_those_of_the_source(twin: Path) -> None:
    write(twin / "group_vars/k3s_server.yml", {"only": "twin group"})
    write(twin / "host_vars/k3s1.yml", {"level": "twin host"})
    hosts = read(twin)[0]["_meta"]["hostvars"]
    assert hosts["k3s1"]["color"] == "twin all"
    assert hosts["k3s1"]["level"] == "twin host"
    assert hosts["master"]["level"] == "home group"
    assert hosts["master"]["only"] == "twin group"


def test_a_value_for_all_in_the_twin_overrides_a_value_for_a_group_in_the_source(twin: Path) -> None:
    write(twin / "group_vars/all.yml", {"only": "twin all"})
    assert read(twin)[0]["_meta"]["hostvars"]["master"]["only"] == "twin all"


def test_templates_of_the_source_are_templates_in_the_twin(twin: Path) -> None:
    argv = ["ansible", "-i", str(twin), "k3s1", "-m", "ansible.builtin.debug", "-a", "var=text"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "home host at 198.18.10.21" in done.stdout


def test_clones_are_machines_like_the_others(twin: Path) -> None:
    write(twin / "machines.yml", CONFIG | {"source": "../home", "clones": {"k3s1": 2}})
    found, _errors = read(twin)
    assert found["k3s_agent"]["hosts"] == ["k3s1", "k3s1-001", "k3s1-002"]
    addresses = [found["_meta"]["hostvars"][name]["ansible_host"] for name in found["k3s_agent"]["hosts"]]
    assert addresses == ["192.168.10.21", "192.168.10.22", "192.168.10.23"]


def test_a_smaller_twin_names_its_machines(twin: Path) -> None:
    write(twin / "machines.yml", CONFIG | {"source": "../home", "only": ["k3s1"]})
    assert set(read(twin)[0]["_meta"]["hostvars"]) == {"k3s1"}
    write(twin / "machines.yml", CONFIG | {"source": "../home", "only": ["k3s9"]})
    assert "only: there is no machine 'k3s9'; name some of k3s1, master" in " ".join(read(twin)[1].split())


def test_two_machines_with_one_name_are_one_sentence(home: Path) -> None:
    write(home / "host_vars/K3S1.yaml", {})
    found, errors = read(home)
    assert found == {}
    assert "two machines with one name: 'K3S1.yaml' and 'k3s1.yml'" in " ".join(errors.split())


@pytest.mark.parametrize("groups", [None, "k3s_agent", [7], ["not a group"]])
def test_a_broken_description_is_left_to_the_check_of_all_of_them(home: Path, groups: Any) -> None:
    write(home / "host_vars/k3s2.yml", {"homelab_groups": groups, "homelab_machine": "?"})
    found, _errors = read(home)
    assert found["ungrouped"]["hosts"] == ["k3s2"]


def test_the_lab_is_the_homelab_at_other_addresses() -> None:
    home, lab = (read(ROOT / "inventory" / name)[0]["_meta"]["hostvars"] for name in ("home", "lab"))
    assert set(home) == set(lab) == {"r730", "k3s-master1", "k3s1", "k3s2", "k3s3"}
    moved = json.loads(json.dumps(home).replace("192.168.10.", "198.18.10."))
    for name, variables in moved.items():
        for key in ("homelab_groups", "homelab_machine", "homelab_node", "homelab_unknown"):
            assert lab[name].get(key) == variables.get(key), (name, key)
