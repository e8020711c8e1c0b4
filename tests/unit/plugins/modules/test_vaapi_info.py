# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vaapi_info with programs in vainfo's place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import vaapi_info

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "vainfo"


def call(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    with patch_module_args(options), pytest.raises(SystemExit):
        vaapi_info.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    file = folder / "vainfo"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    monkeypatch.setattr(vaapi_info, "PROGRAM", str(file))


def test_a_gpu_that_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = f'[ "$*" = "--display drm --device /dev/dri/renderD129" ] && cat {FIXTURES}/cometlake_nonfree.txt'
    program(tmp_path, monkeypatch, script)
    result = call(capsys, device="/dev/dri/renderD129", encode=["H264", "HEVC"])
    assert (result["changed"], result["problems"]) == (False, [])
    assert result["driver"] == "Intel iHD driver for Intel(R) Gen Graphics - 23.1.1"
    assert result["encode"] == ["H264", "HEVC", "JPEG", "MPEG2", "VP8"]


def test_one_that_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    program(tmp_path, monkeypatch, f"cat {FIXTURES}/no_firmware.txt; exit 3")
    result = call(capsys)
    assert result["driver"] is None
    assert "iHD_drv_video.so init failed" in result["problems"][0]


def test_one_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    program(tmp_path, monkeypatch, "sleep 60")
    assert "(no answer within 1 s)" in call(capsys, timeout=1)["problems"][0]


def test_a_host_without_vainfo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(vaapi_info, "PROGRAM", str(tmp_path / "nothing"))
    assert call(capsys)["problems"][0].startswith("vainfo is not installed")
