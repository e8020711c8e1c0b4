# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what a GPU decodes and encodes, from what vainfo prints; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LINE = re.compile(r"^\s+VAProfile(\w+)\s*:\s*VAEntrypoint(\w+)\s*$", re.MULTILINE)
DRIVER = re.compile(r"^vainfo: Driver version: (.+?)(?: \(\))?\s*$", re.MULTILINE)
# H264ConstrainedBaseline, HEVCMain10, VP9Profile0, JPEGBaseline: the codec and one of its kinds
CODEC = re.compile(r"(H264|HEVC|VP8|VP9|AV1|MPEG2|JPEG|VC1|H263|MPEG4)")
ENCODES = {"EncSlice": False, "EncSliceLP": True, "EncPicture": False}
# libva's errors, before vainfo's own; the last line of a failure says the least
COMPLAINT = re.compile(
    r"^(?:libva error: |error: )?((?:Failed|vaInitialize failed|\S+ init failed|failed).*)$", re.MULTILINE
)


@dataclass(frozen=True)
class Abilities:
    """The driver, and the codecs it decodes and encodes; low_power names those that the fixed circuits encode."""

    driver: str | None
    decode: tuple[str, ...]
    encode: tuple[str, ...]
    low_power: tuple[str, ...]


def parse(text: str) -> Abilities:
    """The abilities in vainfo's output."""
    driver = DRIVER.search(text)
    pairs = [(codec, entry) for profile, entry in LINE.findall(text) if (codec := _codec(profile))]
    return Abilities(
        driver.group(1) if driver else None,
        _sorted(codec for codec, entry in pairs if entry == "VLD"),
        _sorted(codec for codec, entry in pairs if entry in ENCODES),
        _sorted(codec for codec, entry in pairs if ENCODES.get(entry)),
    )


def _codec(profile: str) -> str | None:
    match = CODEC.match(profile)
    return match.group(1) if match else None


def _sorted(codecs: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(codecs)))


def complaint(text: str) -> str:
    """Why vainfo could not tell anything, in its own words."""
    found = COMPLAINT.findall(text)
    lines = [line for line in text.splitlines() if line.strip()]
    return str(found[0]).strip() if found else lines[-1].strip() if lines else "it printed nothing"


def problems(device: str, status: int, text: str, wanted: Iterable[str], low_power: bool) -> Iterator[str]:
    """What speaks against encoding on this device, one sentence each."""
    if status == 127:
        yield f"vainfo is not installed, expected it to look at {device} with; install the package vainfo"
        return
    found = parse(text)
    if status != 0 or found.driver is None:
        yield (
            f"{device} does not answer VA-API ({complaint(text)}), expected a driver; install "
            "intel-media-va-driver-non-free, and look for its firmware in the kernel's log (journalctl --dmesg "
            "--grep i915)"
        )
        return
    missing = [codec for codec in wanted if codec not in found.encode]
    if missing:
        able = ", ".join(found.encode) or "none"
        yield (
            f"{device} encodes {able}, expected {', '.join(missing)} too; the free build of the driver leaves encoders "
            "out, so install intel-media-va-driver-non-free"
        )
    if low_power and not found.low_power:
        yield (
            f"{device} offers no low-power encoding (EncSliceLP), expected it; look at gpu_info's huc and at "
            "i915's parameter enable_guc"
        )
