# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.plan import make_plan
from ansible_collections.fletcherlabs.homelab.plugins.modules import disk_layout
from tests.unit.plugins.module_utils._disks.fake_machine import FakeMachine, Script, k3s3, lsblk, no_marks

NODES = ("nvme0n1", "nvme1n1", "nvme2n1", "nvme3n1", "sda", "sda1", "sda2", *(f"sd{letter}" for letter in "bcdefgh"))
[LAYOUT, _WIPE] = [task["fletcherlabs.homelab.disk_layout"] for task in yaml.safe_load(disk_layout.EXAMPLES)]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    made = k3s3(tmp_path)
    monkeypatch.setattr(disk_layout, "Paths", lambda: made.paths)
    run = Script(lsblk(), *no_marks(made, *NODES))
    monkeypatch.setattr(disk_layout, "run_program", without_health(run))
    return made


def without_health(run: Script) -> Any:
    return lambda argv: (127, "", "not installed") if argv[0] in ("smartctl", "nvme") else run(argv)


def call(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    with patch_module_args(options), pytest.raises(SystemExit):
        disk_layout.main()
    return json.loads(capsys.readouterr().out)


def contents(machine: FakeMachine) -> dict[str, tuple[int, int]]:
    nodes = (machine.root / "dev").iterdir()
    return {node.name: (node.stat().st_mtime_ns, node.stat().st_blocks) for node in nodes}


def test_check_mode_says_what_would_be_done_and_touches_nothing(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(machine)
    result = call(capsys, **LAYOUT, _ansible_check_mode=True)
    assert result["changed"]
    assert [action["kind"] for action in result["actions"]][:4] == ["claim", "format", "release", "directory"]
    assert {volume["label"]: volume["reserve"] for volume in result["volumes"]}["optane-1"] == 5 * 2**30
    assert result["diff"]["before"]["ssd-7"]["contents"] == "blank"
    assert result["diff"]["after"]["ssd-7"]["contents"] == "holds xfs 'ssd-7'"
    assert contents(machine) == before
    assert not machine.paths.fstab.exists()


def test_refusals_are_one_message_and_a_list(machine: FakeMachine, capsys: pytest.CaptureFixture[str]) -> None:
    with (machine.root / "dev/sdc").open("r+b") as stream:
        stream.write(b"\0" * 3 + b"NTFS    ")
    machine.write("sys/block/nvme1n1/ro", "1")
    before = contents(machine)
    result = call(capsys, **LAYOUT)
    assert result["failed"]
    assert result["msg"].startswith("Nothing was written. tier 'optane': INTEL SSDPEK1A118GA")
    assert [refusal["serial"] for refusal in result["refusals"]] == ["PHOC2222222B118B", "55A0A001TYV6"]
    assert contents(machine) == before


def test_all_mistakes_of_a_layout_are_told_before_any_disk_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(disk_layout, "run_program", Script())
    tiers = [{"name": "fast", "count": 2, "select": {"model": ["/dev/sda"]}, "mount": "/mnt/fast"}]
    result = call(capsys, tiers=tiers)
    assert "select.model names the device '/dev/sda'" in result["msg"]
    assert "mount '/mnt/fast' is one place for 2 disks" in result["msg"]


def test_a_selector_has_no_key_for_devices(capsys: pytest.CaptureFixture[str]) -> None:
    tiers = [{"name": "fast", "count": 1, "select": {"device": "/dev/sda"}, "mount": "/mnt/fast"}]
    assert "Unsupported parameters" in call(capsys, tiers=tiers)["msg"]


def test_the_documented_examples_are_valid() -> None:
    for task in yaml.safe_load(disk_layout.EXAMPLES):
        options = {"wipe": [], **task["fletcherlabs.homelab.disk_layout"]}
        layout = disk_layout.parse_layout(options["tiers"], options["wipe"], disk_layout.user_id, disk_layout.group_id)
        assert layout.tiers
        assert make_plan(disk_layout.Snapshot(), layout).refusals
