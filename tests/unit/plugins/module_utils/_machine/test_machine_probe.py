# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a machine's files: on a capture of a lab machine, and on files as a real one has them."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._machine.probe import probe, targets_of_kubelet

CAPTURE = Path(__file__).resolve().parents[3] / "fixtures" / "lab-container"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CAPTURE, tmp_path / "root"))


def test_a_lab_machine(machine: Path) -> None:
    before = time.time()
    found = asdict(probe(machine))
    assert before <= found.pop("clock") <= time.time()
    assert found.pop("root_free_mib") == pytest.approx(shutil.disk_usage(machine).free // 2**20, abs=512)
    assert found.pop("architecture") in ("x86_64", "aarch64")
    assert found == {
        "system": "debian-12",
        "init": "systemd",
        "python": sys.version_info[:2],
        "hostname": "k3s1",
        "machine_id": (CAPTURE / "etc/machine-id").read_text().strip(),
        "container": "docker",
        "macs": (),
        "memory_mib": 24105,
        "kubelet_link": None,
        "kubelet_mounts": (),
        "kubelet_fstab": (),
        "units": (),
    }


def test_only_interfaces_with_a_device_count(machine: Path) -> None:
    for name, mac, real in (("eno1", "aa:aa:aa:aa:aa:01", True), ("lxc1", "aa:aa:aa:aa:aa:02", False)):
        folder = machine / "sys/class/net" / name
        (folder / "device").mkdir(parents=True) if real else folder.mkdir(parents=True)
        (folder / "address").write_text(f"{mac}\n")
    assert probe(machine).macs == ("aa:aa:aa:aa:aa:01",)


@pytest.mark.parametrize("folder", ["etc/systemd/system", "usr/lib/systemd/system", "usr/local/lib/systemd/system"])
def test_a_unit_is_found_wherever_it_lies(machine: Path, folder: str) -> None:
    (machine / folder).mkdir(parents=True)
    (machine / folder / "k3s.service").write_text("[Service]\n")
    assert probe(machine).units == ("k3s.service",)


def test_a_masked_unit_is_a_unit_too(machine: Path) -> None:
    (machine / "etc/systemd/system").mkdir(parents=True)
    (machine / "etc/systemd/system/k3s-agent.service").symlink_to("/nowhere")
    assert probe(machine).units == ("k3s-agent.service",)


def test_a_link_in_the_place_of_the_kubelets_folder(machine: Path) -> None:
    (machine / "var/lib").mkdir(parents=True)
    (machine / "var/lib/kubelet").symlink_to("/mnt/kubelet")
    assert probe(machine).kubelet_link == "/mnt/kubelet"


@pytest.mark.parametrize(
    ("marks", "kind"),
    [((), None), ((".dockerenv",), "docker"), (("run/.containerenv",), "podman")],
)
def test_the_kind_of_container(machine: Path, marks: tuple[str, ...], kind: str | None) -> None:
    (machine / ".dockerenv").unlink()
    (machine / "run").mkdir()
    for mark in marks:
        (machine / mark).touch()
    assert probe(machine).container == kind


def test_a_container_that_systemd_was_told_of(machine: Path) -> None:
    (machine / "run/systemd").mkdir(parents=True)
    (machine / "run/systemd/container").write_text("lxc\n")
    assert probe(machine).container == "lxc"


def test_an_empty_machine_is_read_without_stumbling(tmp_path: Path) -> None:
    found = probe(tmp_path)
    assert (found.system, found.init, found.machine_id, found.memory_mib) == ("unknown-unknown", "", "", 0)


def test_mounts_of_the_kubelet() -> None:
    text = """
# /dev/sdz /var/lib/kubelet ext4 defaults 0 2
/mnt/a /var/lib/kubelet none bind,rshared 0 0
/mnt/a /var/lib/kubelet/ none bind 0 0
tmpfs /var/lib/kubelet/pods/1/volumes/kubernetes.io~projected/kube\\040token tmpfs rw 0 0
/dev/sda1 /var/lib/kubelets ext4 rw 0 0
/dev/sda1 / ext4 rw 0 0
broken /var/lib/kubelet
"""
    assert targets_of_kubelet(text) == (
        "/var/lib/kubelet",
        "/var/lib/kubelet",
        "/var/lib/kubelet/pods/1/volumes/kubernetes.io~projected/kube token",
    )
