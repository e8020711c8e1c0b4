# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gpu_info on folders that stand for machines."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import gpu_info
from tests.unit.gpu_machine import machine


def call(
    name: str, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **options: Any
) -> dict[str, Any]:
    made = machine(name, root)
    monkeypatch.setattr(gpu_info, "ROOT", root)
    monkeypatch.setattr(gpu_info, "run_for", lambda _seconds, argv: made.run(argv))
    with patch_module_args(options), pytest.raises(SystemExit):
        gpu_info.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_what_is_returned_is_what_is_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call("r630_t4_mismatch", tmp_path, monkeypatch, capsys)
    assert result["changed"] is False
    assert result["nvidia"] == {
        "answers": False,
        "loaded": "580.65.06",
        "modules": [
            {"kernel": f"5.15.0-{number}-generic", "path": "kernel/nvidia-580srv/nvidia.ko", "version": "580.95.05",
             "signed": True} for number in (160, 91)
        ],
        "on_disk": "580.95.05",
        "open": False,
        "userland": ["580.95.05"],
    }  # fmt: skip
    assert result["kernels"]["next"] == "5.15.0-160-generic"
    assert (result["reboot_required"], len(result["reboot_reasons"]), result["reboot_blockers"]) == (True, 1, [])
    assert (result["problems"], result["groups"]["video"]) == ([], 44)


@pytest.mark.parametrize("name", ["r630_t4_healthy", "no_gpu", "optiplex_i5_10500t"])
def test_every_key_is_there_for_every_machine(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import yaml

    documented = set(yaml.safe_load(gpu_info.RETURN))
    result = call(name, tmp_path, monkeypatch, capsys)
    assert set(result) - {"changed", "invocation"} == documented
    assert result["reboot_required"] is False
    keys = set(yaml.safe_load(gpu_info.RETURN)["gpus"]["sample"][0])
    assert all(set(gpu) == keys for gpu in result["gpus"])


def test_the_parameter_for_low_power_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = call("optiplex_i5_10500t", tmp_path / "old", monkeypatch, capsys)
    new = call("alder_lake", tmp_path / "new", monkeypatch, capsys)
    assert (old["gpus"][0]["guc_low_power"], new["gpus"][0]["guc_low_power"]) == (2, None)


def test_the_inventory_is_compared_with_the_bus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call("no_gpu", tmp_path, monkeypatch, capsys, declared=[{"vendor": "nvidia", "model": "T4"}])
    assert [sentence.partition(",")[0] for sentence in result["problems"]] == [
        "T4 (nvidia) is described and not on the PCI bus"
    ]


def test_a_program_that_hangs_is_left_behind() -> None:
    start = time.monotonic()
    assert gpu_info.run_for(1, ["sleep", "60"]) == (124, "", "no answer within 1 s")
    assert time.monotonic() - start < 10
    assert gpu_info.run_for(5, ["/nonexistent"]) == (127, "", "/nonexistent: No such file or directory")
    assert gpu_info.run_for(5, ["echo", "yes"])[:2] == (0, "yes")
