# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What vainfo prints, and what that means."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.vaapi import Abilities, parse, problems

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "vainfo"
DEVICE = "/dev/dri/renderD128"
IHD = "Intel iHD driver for Intel(R) Gen Graphics - 23.1.1"
REMEDY = (
    "expected a driver; install intel-media-va-driver-non-free, and look for its firmware in the kernel's log "
    "(journalctl --dmesg --grep i915)"
)


def text(name: str) -> str:
    return (FIXTURES / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cometlake_free", Abilities(
            IHD, ("H264", "HEVC", "JPEG", "MPEG2", "VP8", "VP9"), ("H264", "JPEG"),
            ("H264",))),
        ("cometlake_nonfree", Abilities(
            IHD, ("H264", "HEVC", "JPEG", "MPEG2", "VC1", "VP8", "VP9"), ("H264", "HEVC", "JPEG", "MPEG2", "VP8"),
            ("H264",))),
        ("no_firmware", Abilities(None, (), (), ())),
        ("no_gpu", Abilities(None, (), (), ())),
    ],
)  # fmt: skip
def test_abilities(name: str, expected: Abilities) -> None:
    assert parse(text(name)) == expected


@pytest.mark.parametrize(
    ("name", "status", "wanted", "low_power", "expected"),
    [
        ("cometlake_nonfree", 0, ["H264", "HEVC"], True, []),
        ("cometlake_free", 0, ["H264"], False, []),
        ("cometlake_free", 0, ["H264", "HEVC", "VP8"], False, [
            f"{DEVICE} encodes H264, JPEG, expected HEVC, VP8 too; the free build of the driver leaves encoders out, "
            "so install intel-media-va-driver-non-free"]),
        ("no_device", 1, ["H264"], False, [
            f"{DEVICE} does not answer VA-API (Failed to open the given device!), {REMEDY}"]),
        ("no_gpu", 1, ["H264"], False, [
            f"{DEVICE} does not answer VA-API (Failed to a DRM display for the given device), {REMEDY}"]),
        ("no_firmware", 3, ["H264"], True, [
            f"{DEVICE} does not answer VA-API (/usr/lib/x86_64-linux-gnu/dri/iHD_drv_video.so init failed), {REMEDY}"]),
    ],
)  # fmt: skip
def test_what_speaks_against_encoding(
    name: str, status: int, wanted: list[str], low_power: bool, expected: list[str]
) -> None:
    assert list(problems(DEVICE, status, text(name), wanted, low_power)) == expected


def test_low_power_encoding_that_is_not_there() -> None:
    lines = [line for line in text("cometlake_nonfree").splitlines() if "EncSliceLP" not in line]
    assert list(problems(DEVICE, 0, "\n".join(lines), ["H264"], True)) == [
        f"{DEVICE} offers no low-power encoding (EncSliceLP), expected it; look at gpu_info's huc and at "
        "i915's parameter enable_guc"
    ]


def test_a_program_that_is_not_there_and_one_that_says_nothing() -> None:
    assert list(problems(DEVICE, 127, "", [], False)) == [
        f"vainfo is not installed, expected it to look at {DEVICE} with; install the package vainfo"
    ]
    assert "(it printed nothing)" in "".join(problems(DEVICE, 139, "", [], False))
    assert "(no answer within 20 s)" in "".join(problems(DEVICE, 124, "no answer within 20 s", [], False))
