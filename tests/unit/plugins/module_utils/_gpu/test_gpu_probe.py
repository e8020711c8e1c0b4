# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of machines with GPUs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.model import Ecc, Firmware, Found
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.probe import probe
from tests.unit.gpu_machine import GpuMachine, machine

T4 = "0000:3b:00.0"


def found(name: str, root: Path) -> Found:
    made = machine(name, root)
    return probe(root, made.run)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("r630_t4_healthy", [("10de:1eb8", "turing", "nvidia")]),
        ("r630_t4_nouveau", [("10de:1eb8", "turing", "nouveau")]),
        ("r630_t4_mismatch", [("10de:1eb8", "turing", "nvidia")]),
        ("r630_t4_no_driver", [("10de:1eb8", "turing", None)]),
        ("r630_t4_secure_boot", [("10de:1eb8", "turing", None)]),
        ("r630_t4_passthrough", [("10de:1eb8", "turing", "vfio-pci")]),
        ("two_nvidia", [("10de:2684", "ada", "nvidia"), ("10de:1eb8", "turing", "nvidia")]),
        ("optiplex_i5_10500t", [("8086:9bc8", "gen9-cometlake", "i915")]),
        ("alder_lake", [("8086:4690", "gen12-alderlake-s", "i915")]),
        ("no_gpu", []),
    ],
)
def test_gpus_are_found_and_consoles_are_none(
    name: str, expected: list[tuple[str, str, str | None]], tmp_path: Path
) -> None:
    assert [(gpu.pci_id, gpu.family, gpu.driver) for gpu in found(name, tmp_path).gpus] == expected


def test_a_healthy_t4_is_known_in_every_detail(tmp_path: Path) -> None:
    made = machine("r630_t4_healthy", tmp_path)
    seen = probe(tmp_path, made.run)
    (gpu,) = seen.gpus
    assert (gpu.address, gpu.vendor, gpu.pci_class, gpu.subsystem) == (T4, "nvidia", "0302", "10de:12a2")
    assert (gpu.model, gpu.memory_mib, gpu.ecc) == ("Tesla T4", 15360, Ecc(True, True))
    assert (gpu.card, gpu.render_node) == ("/dev/dri/card1", "/dev/dri/renderD128")
    assert (gpu.render_gid, gpu.render_group) == (made.render_gid, "render")
    assert (seen.nvidia_loaded, seen.nvidia_open, seen.nvidia_userland) == ("580.95.05", False, ("580.95.05",))
    # 160 is newer than 91
    assert seen.kernels == ("5.15.0-91-generic", "5.15.0-160-generic")
    assert [(each.kernel, each.version, each.signed) for each in seen.modules] == [
        ("5.15.0-160-generic", "580.95.05", True),
        ("5.15.0-91-generic", "580.95.05", True),
    ]
    assert seen.nvidia_answer is not None
    assert (seen.nvidia_answer.status, seen.secure_boot) == (0, False)
    assert [call[0] for call in made.calls] == ["nvidia-smi"]


@pytest.mark.parametrize("name", ["r630_t4_nouveau", "r630_t4_no_driver", "optiplex_i5_10500t", "no_gpu"])
def test_no_program_runs_where_no_nvidia_driver_is(name: str, tmp_path: Path) -> None:
    made = machine(name, tmp_path)
    seen = probe(tmp_path, made.run)
    assert (made.calls, seen.nvidia_loaded, seen.nvidia_answer, seen.modules) == ([], None, None, ())


def test_each_of_two_cards_has_its_own_answers(tmp_path: Path) -> None:
    seen = found("two_nvidia", tmp_path)
    assert [(gpu.model, gpu.memory_mib, gpu.ecc) for gpu in seen.gpus] == [
        ("NVIDIA GeForce RTX 4090", 24564, Ecc(None, None)),
        ("Tesla T4", 15360, Ecc(True, True)),
    ]
    assert (seen.nvidia_open, seen.nvidia_userland) == (True, ("580.95.05",))
    # Debian's name of the module, compressed: kmod read it
    (module,) = seen.modules
    assert (module.path, module.version, module.signed) == (
        "updates/dkms/nvidia-current.ko.xz", "580.95.05", True,
    )  # fmt: skip


def test_a_driver_that_runs_without_its_program_is_no_failure(tmp_path: Path) -> None:
    machine("r630_t4_healthy", tmp_path)
    seen = probe(tmp_path, lambda argv: (127, "", f"{argv[0]}: No such file"))
    assert (seen.nvidia_loaded, seen.nvidia_answer, seen.gpus[0].ecc) == ("580.95.05", None, None)


@pytest.mark.parametrize(
    ("name", "guc", "huc", "parameter", "configured"),
    [
        ("optiplex_i5_10500t", Firmware(None, "disabled"), Firmware(None, "disabled"), -1, None),
        ("optiplex_low_power", Firmware(None, "disabled"), Firmware(None, "disabled"), -1, 2),
        (
            "alder_lake",
            Firmware("i915/tgl_guc_70.bin", "RUNNING"),
            Firmware("i915/tgl_huc.bin", "MISSING"),
            -1,
            None,
        ),
    ],
)
def test_microcontrollers_of_intel(
    name: str, guc: Firmware, huc: Firmware, parameter: int, configured: int | None, tmp_path: Path
) -> None:
    seen = found(name, tmp_path)
    assert (seen.gpus[0].guc, seen.gpus[0].huc) == (guc, huc)
    assert (seen.enable_guc, seen.enable_guc_configured) == (parameter, configured)


def test_a_later_file_of_modprobe_counts_and_one_of_etc_hides_its_namesake(tmp_path: Path) -> None:
    made = machine("optiplex_low_power", tmp_path)
    made.write("usr/lib/modprobe.d/z.conf", "options i915 enable_guc=3")
    assert probe(tmp_path, made.run).enable_guc_configured == 3
    made.write("etc/modprobe.d/z.conf", "# nothing")
    assert probe(tmp_path, made.run).enable_guc_configured == 2


def test_a_render_node_without_a_file_has_no_owner(tmp_path: Path) -> None:
    made = machine("optiplex_i5_10500t", tmp_path)
    (tmp_path / "dev/dri/renderD128").unlink()
    (gpu,) = probe(tmp_path, made.run).gpus
    assert (gpu.render_node, gpu.render_gid) == ("/dev/dri/renderD128", None)


def test_a_machine_without_anything_to_read_has_no_gpu(tmp_path: Path) -> None:
    empty: dict[str, object] = {"files": {}, "links": {}, "modules": {}, "programs": {}, "secure_boot": None}
    seen = probe(tmp_path, GpuMachine(tmp_path, empty).run)
    assert (seen.gpus, seen.next_kernel, seen.secure_boot, seen.running_kernel) == ((), None, None, "unknown")
