# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that describe machines, and copies of a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.describe import (
    DescriptionError,
    clones_of,
    described,
    group_files,
)

MACHINES = {
    "k3s1": {
        "homelab_machine": {
            "address": "192.168.10.21",
            "nics": [{"name": "a", "mac": "aa"}, {"name": "b", "mac": "bb"}],
        },
        "homelab_node": {"name": "light", "labels": {"a": "b"}},
    },
    "k3s2": {"homelab_machine": {"address": "192.168.10.23"}},
}


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("---\n")
    return folder


def test_a_machine_is_a_file_or_a_folder(tmp_path: Path) -> None:
    make(tmp_path, "a.yml", "b.yaml", "c.json", "d/node.yml", "d/machine.yml", "e.f.yml")
    assert described(tmp_path) == {
        "a": [tmp_path / "a.yml"],
        "b": [tmp_path / "b.yaml"],
        "c": [tmp_path / "c.json"],
        "d": [tmp_path / "d/machine.yml", tmp_path / "d/node.yml"],
        "e.f": [tmp_path / "e.f.yml"],
    }


def test_other_files_are_no_machines(tmp_path: Path) -> None:
    make(tmp_path, "README", "notes.md", "k3s1.yml~", ".k3s1.yml.swp", ".hidden.yml", "old.yml.bak", "empty/README.md")
    assert described(tmp_path) == {}


@pytest.mark.parametrize(
    ("names", "both"),
    [
        (("k3s1.yml", "k3s1.yaml"), "'k3s1.yaml' and 'k3s1.yml'"),
        (("K3S1.yml", "k3s1.yml"), "'K3S1.yml' and 'k3s1.yml'"),
        (("k3s1.yml", "k3s1/a.yml"), "'k3s1' and 'k3s1.yml'"),
    ],
)
def test_two_machines_with_one_name_are_refused(tmp_path: Path, names: tuple[str, str], both: str) -> None:
    make(tmp_path, *names)
    with pytest.raises(DescriptionError) as error:
        described(tmp_path)
    assert str(error.value) == (
        f"two machines with one name: {both} in {tmp_path} both describe 'k3s1'; keep one of them"
    )


def test_secrets_of_a_source_are_never_read(tmp_path: Path) -> None:
    make(
        tmp_path, "all/site.yml", "all/secrets.yml", "all/secrets.sops.yml", "all/secrets/tokens.yml", "k3s_server.yml"
    )
    assert group_files(tmp_path) == {"all": [tmp_path / "all/site.yml"], "k3s_server": [tmp_path / "k3s_server.yml"]}
    assert group_files(tmp_path / "nothing") == {}


def test_clones_have_free_addresses_and_macs_of_their_own() -> None:
    clones = clones_of(MACHINES, {"k3s1": 3})
    machines = {name: description["homelab_machine"] for name, description in clones.items()}
    assert {
        name: (machine["address"], [nic["mac"] for nic in machine["nics"]]) for name, machine in machines.items()
    } == {
        "k3s1-001": ("192.168.10.22", ["02:00:c0:a8:0a:16", "02:01:c0:a8:0a:16"]),
        "k3s1-002": ("192.168.10.24", ["02:00:c0:a8:0a:18", "02:01:c0:a8:0a:18"]),
        "k3s1-003": ("192.168.10.25", ["02:00:c0:a8:0a:19", "02:01:c0:a8:0a:19"]),
    }


def test_clones_of_several_machines_do_not_meet() -> None:
    clones = clones_of(MACHINES, {"k3s1": 2, "k3s2": 2})
    addresses = [description["homelab_machine"]["address"] for description in clones.values()]
    assert addresses == ["192.168.10.22", "192.168.10.24", "192.168.10.25", "192.168.10.26"]


def test_a_clone_is_a_node_of_its_own_and_the_original_stays() -> None:
    clone = clones_of(MACHINES, {"k3s1": 1})["k3s1-001"]
    assert clone["homelab_node"] == {"labels": {"a": "b"}}
    assert MACHINES["k3s1"]["homelab_node"] == {"name": "light", "labels": {"a": "b"}}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"k3s9": 1}, "clones: there is no machine 'k3s9'; name one of k3s1, k3s2, bare"),
        ({"k3s1": "many"}, "clones: 'many' of k3s1 is not a number; write how many more there should be"),
        ({"bare": 1}, "clones: bare has no homelab_machine.address to count from; describe it first"),
    ],
)
def test_what_cannot_be_cloned(wanted: dict[str, object], message: str) -> None:
    with pytest.raises(DescriptionError) as error:
        clones_of(MACHINES | {"bare": {}}, wanted)
    assert str(error.value) == message
