# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines leave no trace, whatever the inventory says by then."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.command import Answer
from lab.engine import Engine
from lab.site import Machine, Site
from lab.vm.image import Image
from lab.vm.machines import MOST_NICS, Rack


class Recorder:
    """Remembers every command."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, argv: Sequence[str], stdin: str = "") -> Answer:
        self.calls.append(list(argv))
        return Answer(0, "", "")


def test_a_machine_that_left_the_inventory_is_removed_with_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Site, "state", property(lambda _self: tmp_path))
    stays = Machine("k3s3", "198.18.40.31", ())
    site = Site("vm", ipaddress.IPv4Network("198.18.40.0/24"), Path("inventory/vm"), "josh", "v1", (stays,), "vm")
    for name in ("k3s1", "k3s3"):
        (tmp_path / "vms" / name).mkdir(parents=True)
    (tmp_path / "vms" / "image").write_text("/images/disk.raw")
    run = Recorder()
    Rack(Engine(run), site, Image(Path(), "raw"), run).remove()
    devices = [call[-1] for call in run.calls if call[:3] == ["ip", "link", "delete"]]
    # as many as either may have had
    assert len(set(devices)) == 2 * MOST_NICS
    assert all(device.startswith("lab") and len(device) <= 15 for device in devices)
    assert not (tmp_path / "vms").exists()
