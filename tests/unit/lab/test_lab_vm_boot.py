# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a virtual machine is told at each boot, and where a machine that runs is recognised."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab.vm.boot import Identity, cloud_files, name_servers, setup_script
from lab.vm.hardware import Hardware, hardware_of
from lab.vm.image import Image
from lab.vm.qemu import accelerator, pid_of

WHO = Identity(
    "198.18.40.31", ipaddress.IPv4Network("198.18.40.0/24"), "198.18.40.1", "josh", "ssh-ed25519 AAAA lab",
    "-----BEGIN-----\nprivate\n-----END-----\n", "ssh-ed25519 BBBB k3s3", ("192.0.2.53",),
)  # fmt: skip


@pytest.fixture
def hardware() -> Hardware:
    disks = [{"model": "Somebody's NVMe", "size_gb": 1, "transport": "nvme", "serial_pattern": "N1"}]
    nics = [{"name": "enx6c1ff71be8c8", "mac": "6C:1F:F7:1B:E8:C8", "bus": "usb", "primary": True}]
    return hardware_of("k3s1", {"homelab_machine": {"disks": disks, "nics": nics}})


def test_the_script_is_one_a_shell_can_read(hardware: Hardware) -> None:
    script = setup_script(hardware, hardware.disks, WHO)
    checked = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "Address=198.18.40.31/24" in script
    assert "model 'N1' 'Somebody'\\''s NVMe'" in script


def test_an_adapter_on_usb_is_found_under_the_address_qemu_gives_it(hardware: Hardware) -> None:
    assert "6c:1f:f7:1b:e8:c8|40:1f:f7:1b:e8:c8" in setup_script(hardware, (), WHO)


def test_a_cloud_image_gets_network_and_script_in_files_it_can_read(hardware: Hardware) -> None:
    script = setup_script(hardware, hardware.disks, WHO)
    files = cloud_files(hardware, WHO, script)
    assert yaml.safe_load(files["user-data"])["bootcmd"] == [script]
    lan = json.loads(files["network-config"])["ethernets"]["lan"]
    assert (lan["set-name"], lan["addresses"]) == ("enx6c1ff71be8c8", ["198.18.40.31/24"])


def test_a_resolver_on_this_machines_loopback_is_of_no_use_to_a_machine(tmp_path: Path) -> None:
    stub, real = tmp_path / "stub", tmp_path / "real"
    stub.write_text("nameserver 127.0.0.53\n")
    real.write_text("# comment\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n")
    assert name_servers(stub, real) == ("192.0.2.1", "192.0.2.2")
    assert name_servers(stub, tmp_path / "none") == ()


def test_a_process_of_somebody_else_with_the_number_is_not_the_machine(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(str(os.getpid()))
    assert pid_of(tmp_path) is None


def test_further_lines_come_into_the_script(hardware: Hardware) -> None:
    assert "echo further" in setup_script(hardware, (), replace(WHO, extra="echo further"))


@pytest.mark.parametrize(("boots", "answer"), [(True, "kvm"), (False, "tcg")])
def test_the_accelerator_is_tried_once_per_boot_of_this_machine(tmp_path: Path, boots: bool, answer: str) -> None:
    image, tried, note = Image(tmp_path / "disk", "raw"), [], tmp_path / "note"

    def attempt(_image: Image) -> bool:
        tried.append(True)
        return boots

    assert accelerator(image, attempt, note) == answer
    assert accelerator(image, attempt, note) == answer
    assert len(tried) == 1
    note.write_text(f"another-boot {answer}")
    assert accelerator(image, attempt, note) == answer
    assert len(tried) == 2
