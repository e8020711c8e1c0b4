# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The double of the PCI bus shows gpu_info what the inventory says, and nothing else."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.judge import judge
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.model import Declared, Found
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.probe import probe
from lab import gpus
from lab.site import Machine, Site

T4 = {"vendor": "nvidia", "model": "Tesla T4", "pci_id": "10de:1eb8"}
RTX = {"vendor": "nvidia", "model": "RTX 4090", "pci_id": "10de:2684"}
UHD = {"vendor": "intel", "model": "UHD Graphics 630"}


def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, described: list[dict[str, Any]]) -> Found:
    monkeypatch.setattr("lab.site.ROOT", tmp_path)
    machine = Machine("k3s3", "198.18.10.31", (), {"homelab_machine": {"gpus": described}})
    site = Site("twin", ipaddress.IPv4Network("198.18.10.0/24"), Path("lab"), "josh", "v1", (machine,))
    gpus.have_bus(site, machine)
    root = tmp_path / "root"
    bus = root / "sys/bus/pci"
    bus.mkdir(parents=True, exist_ok=True)
    if not (bus / "devices").is_symlink():
        (bus / "devices").symlink_to(site.state / "pci" / "k3s3")
    return probe(root, lambda argv: (127, "", argv[0]))


@pytest.mark.parametrize("described", [[], [T4], [UHD], [UHD, T4, RTX, T4]])
def test_what_is_described_is_on_the_bus(
    described: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = seen(tmp_path, monkeypatch, described)
    declared = [Declared(each["vendor"], each["model"], each.get("pci_id")) for each in described]
    assert len(found.gpus) == len(described)
    assert judge(found, declared).problems == ()


def test_drivers_are_those_of_a_machine_just_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    intel, nvidia = seen(tmp_path, monkeypatch, [UHD, T4]).gpus
    assert (intel.driver, intel.render_node, intel.render_gid) == ("i915", "/dev/dri/renderD128", None)
    assert (nvidia.driver, nvidia.render_node) == (None, None)


def test_a_card_that_left_the_inventory_leaves_the_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(seen(tmp_path, monkeypatch, [UHD, T4]).gpus) == 2
    assert [gpu.vendor for gpu in seen(tmp_path, monkeypatch, [T4]).gpus] == ["nvidia"]
