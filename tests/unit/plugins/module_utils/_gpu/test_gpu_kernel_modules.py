# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel modules, as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.kernel_modules import (
    FILE,
    modules_of,
    parse_module,
    version_key,
)
from tests.unit.gpu_machine import kernel_module


@pytest.mark.parametrize("name", [
    "nvidia.ko", "nvidia.ko.zst", "nvidia-current.ko", "nvidia-current-open.ko", "nvidia-tesla-535.ko",
    "nvidia-legacy-390xx.ko",
])  # fmt: skip
def test_the_module_is_known_by_every_name_it_has(name: str) -> None:
    assert FILE.fullmatch(name)


@pytest.mark.parametrize(
    "name", ["nvidia-drm.ko", "nvidia-current-uvm.ko", "nvidia-peermem.ko", "nvidiafb.ko", "i2c-nvidia-gpu.ko"]
)
def test_its_companions_are_not_it(name: str) -> None:
    assert not FILE.fullmatch(name)


@pytest.mark.parametrize("signed", [True, False])
def test_version_and_signature(signed: bool, tmp_path: Path) -> None:
    file = tmp_path / "nvidia.ko"
    file.write_bytes(kernel_module("580.95.05", signed))
    assert parse_module(file) == ("580.95.05", signed)


def test_a_file_that_is_no_module(tmp_path: Path) -> None:
    file = tmp_path / "nvidia.ko"
    file.write_bytes(b"")
    assert parse_module(file) == (None, None)


def test_a_module_that_is_listed_and_gone_is_not_there(tmp_path: Path) -> None:
    index = tmp_path / "lib/modules/6.1.0/modules.dep"
    index.parent.mkdir(parents=True)
    index.write_text("updates/dkms/nvidia.ko:\n")
    assert modules_of(tmp_path, lambda argv: (127, "", "")) == ()


def test_kernels_sort_by_number() -> None:
    names = ["5.15.0-91-generic", "5.15.0-160-generic", "6.8.0-1-generic", "5.15.0-160-lowlatency"]
    assert sorted(names, key=version_key)[0] == "5.15.0-91-generic"
    assert sorted(names, key=version_key)[-1] == "6.8.0-1-generic"
