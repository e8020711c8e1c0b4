# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import disk_info
from tests.unit.plugins.module_utils._disks.fake_machine import (
    LSBLK,
    FakeMachine,
    Script,
    k3s3,
    lsblk,
    no_marks,
)

NODES = ("nvme0n1", "nvme1n1", "nvme2n1", "nvme3n1", "sda", "sda1", "sda2", *(f"sd{letter}" for letter in "bcdefgh"))


def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], machine: FakeMachine, run: Script
) -> dict[str, Any]:
    monkeypatch.setattr(disk_info, "Paths", lambda: machine.paths)
    monkeypatch.setattr(disk_info, "run_program", run)
    with patch_module_args({"health": False}), pytest.raises(SystemExit):
        disk_info.main()
    run.done()
    return json.loads(capsys.readouterr().out)


def test_each_disk_is_shown_with_all_reasons_against_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = k3s3(tmp_path)
    machine.write("sys/block/nvme0n1/ro", "1")
    with (tmp_path / "dev/nvme0n1").open("r+b") as stream:
        stream.write(b"LUKS\xba\xbe")
    result = call(monkeypatch, capsys, machine, Script(lsblk(), *no_marks(machine, *NODES)))
    assert result["changed"] is False
    disks = {disk["serial"]: disk for disk in result["disks"]}
    assert len(disks) == 12
    assert [serial for serial, disk in disks.items() if not disk["usable"]] == ["PHOC1111111A118B", "00a1b2c3"]
    locked = disks["PHOC1111111A118B"]
    assert [reason["code"] for reason in locked["reasons"]] == ["read-only", "signature"]
    assert locked["signatures"] == [{"kind": "crypto_LUKS", "place": "whole disk", "label": "", "uuid": ""}]
    system = disks["00a1b2c3"]
    assert [reason["code"] for reason in system["reasons"]] == ["system", "mounted", "held", "partitions"]
    assert (system["erasable"], disks["55A0A000TYV6"]["erasable"]) == (False, True)


def test_a_machine_without_disks_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sys/block").mkdir(parents=True)
    result = call(monkeypatch, capsys, FakeMachine(tmp_path), Script(lsblk()))
    assert result["disks"] == []


def test_a_broken_tool_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(monkeypatch, capsys, k3s3(tmp_path), Script((LSBLK, (1, "", "lsblk: failed\n"))))
    assert result["failed"]
    assert result["msg"].endswith("ended with status 1: lsblk: failed")
