# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of machines with GPUs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.judge import judge
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.model import Declared, Found
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.probe import probe
from tests.unit.gpu_machine import machine

T4 = Declared("nvidia", "Tesla T4", "10de:1eb8")
RTX = Declared("nvidia", "RTX 4090", "10de:2684")
UHD = Declared("intel", "UHD Graphics 630", "8086:9bc8")
IN_R630 = "Tesla T4 at 0000:3b:00.0"


def found(name: str, root: Path) -> Found:
    made = machine(name, root)
    return probe(root, made.run)


@pytest.mark.parametrize(
    ("name", "declared", "expected"),
    [
        ("r630_t4_healthy", [T4], []),
        ("two_nvidia", [T4, RTX], []),
        ("two_nvidia", [replace(T4, pci_id=None), RTX], []),
        ("optiplex_i5_10500t", [UHD], []),
        ("no_gpu", [], []),
        # handed on by a hypervisor that has no use for it
        ("r630_t4_passthrough", [], []),
        ("no_gpu", [T4], [
            "Tesla T4 (10de:1eb8) is described and not on the PCI bus, found are: none; "
            "seat the card, or remove it from homelab_machine.gpus"]),
        ("r630_t4_healthy", [UHD, T4], [
            "UHD Graphics 630 (8086:9bc8) is described and not on the PCI bus, found are: 10de:1eb8 at 0000:3b:00.0; "
            "turn it on in the firmware's setup, or remove it from homelab_machine.gpus"]),
        ("r630_t4_healthy", [], [
            f"{IN_R630} is on the PCI bus and not described; "
            'add {vendor: nvidia, model: Tesla T4, pci_id: "10de:1eb8"} to homelab_machine.gpus']),
        # two cards of one kind are two entries
        ("r630_t4_healthy", [T4, T4], [
            "Tesla T4 (10de:1eb8) is described and not on the PCI bus, found are: 10de:1eb8 at 0000:3b:00.0; "
            "seat the card, or remove it from homelab_machine.gpus"]),
        ("r630_t4_passthrough", [T4], [
            f"{IN_R630} is bound to vfio-pci, which gives it to a virtual machine, and pods of this machine cannot "
            "have it; release it there, or describe it with the virtual machine"]),
    ],
)  # fmt: skip
def test_inventory_and_bus(name: str, declared: list[Declared], expected: list[str], tmp_path: Path) -> None:
    assert list(judge(found(name, tmp_path), declared).problems) == expected


def test_nothing_is_compared_without_a_declaration(tmp_path: Path) -> None:
    assert judge(found("r630_t4_healthy", tmp_path), None).problems == ()


@pytest.mark.parametrize(
    ("name", "driver", "reasons", "blockers"),
    [
        ("r630_t4_healthy", [], [], []),
        ("two_nvidia", [], [], []),
        ("r630_t4_no_driver", [], [], []),
        ("optiplex_i5_10500t", [], [], []),
        ("r630_t4_nouveau", [], [f"nouveau is loaded, where NVIDIA's driver is wanted, and holds {IN_R630}"], []),
        ("r630_t4_mismatch",
         ["nvidia-smi ended with status 18: Failed to initialize NVML: Driver/library version mismatch"],
         ["the nvidia module that runs is 580.65.06 and the one on disk is 580.95.05"], []),
        ("r630_t4_secure_boot",
         ["Secure Boot is on and the nvidia module of 5.15.0-160-generic has no signature, so that the kernel refuses "
          "it; use the distribution's signed modules, or enrol a key of your own at the console"], [],
         ["Secure Boot is on and the nvidia module of the next kernel 5.15.0-160-generic has no signature, so that it "
          "would not be loaded; install signed modules before a reboot"]),
        ("r630_t4_next_kernel", [], [f"ECC of {IN_R630} is on and is to be off"],
         ["the next kernel 5.15.0-161-generic has no nvidia module; install it (or the headers that DKMS builds it "
          "with) before a reboot"]),
        ("optiplex_low_power", [], ["i915 runs with enable_guc=-1 and is to run with 2"], []),
        ("alder_lake", [], [
            "the firmware i915/tgl_huc.bin was missing when 8086:4690 at 0000:00:02.0 started and is there now"], []),
    ],
)  # fmt: skip
def test_drivers_and_reboots(
    name: str, driver: list[str], reasons: list[str], blockers: list[str], tmp_path: Path
) -> None:
    verdict = judge(found(name, tmp_path), [T4] if name.startswith("r630") else None)
    assert list(verdict.driver_problems) == driver
    assert list(verdict.reboot_reasons) == reasons
    assert list(verdict.reboot_blockers) == blockers


def test_nouveau_may_stay_where_nobody_wants_the_other_driver(tmp_path: Path) -> None:
    assert judge(found("r630_t4_nouveau", tmp_path), []).reboot_reasons == ()


def test_a_reboot_into_a_kernel_that_has_the_module_is_a_reason_and_no_danger(tmp_path: Path) -> None:
    seen = replace(found("r630_t4_nouveau", tmp_path), nouveau_loaded=False, running_kernel="5.15.0-91-generic")
    module = found("r630_t4_healthy", tmp_path / "other").module_of("5.15.0-160-generic")
    assert module is not None
    verdict = judge(replace(seen, modules=(module,)), [T4])
    assert verdict.reboot_reasons == (
        "the kernel that runs, 5.15.0-91-generic, has no nvidia module, and the next one has",
    )
    assert verdict.reboot_blockers == ()


def test_packages_of_two_branches_are_named(tmp_path: Path) -> None:
    seen = found("r630_t4_healthy", tmp_path)
    assert judge(replace(seen, nvidia_userland=("535.261.03",)), None).driver_problems == (
        "NVIDIA's libraries are of 535.261.03 and the module on disk is of 580.95.05; "
        "install both from one branch and one repository",
    )
    assert judge(replace(seen, nvidia_userland=("535.261.03", "580.95.05")), None).driver_problems == (
        "libraries of NVIDIA drivers 535.261.03 and 580.95.05 are there at once; remove all but one branch",
    )
