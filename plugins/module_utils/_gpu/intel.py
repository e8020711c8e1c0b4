# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: how i915 and xe run Intel's microcontrollers GuC and HuC, and how they are configured."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from .model import Firmware, Gpu

UC_FOLDERS = ("gt0/uc", "gt/uc")
MISSING = "MISSING"
ENABLE_GUC = re.compile(r"^\s*options\s+i915\s(?:.*\s)?enable_guc=(-?\d+)", re.MULTILINE)
# modprobe.d(5): the folders, a file of an earlier one hiding those of its name in later ones
CONFIGURATION = ("etc/modprobe.d", "run/modprobe.d", "usr/local/lib/modprobe.d", "usr/lib/modprobe.d", "lib/modprobe.d")


def firmwares(root: Path, address: str) -> tuple[Firmware | None, Firmware | None]:
    """GuC and HuC of a GPU as debugfs shows them; None where nobody may look, or where it is not supported."""
    for folder in _debug_folders(root / "sys/kernel/debug/dri", address):
        for uc in UC_FOLDERS:
            if (folder / uc).is_dir():
                return _firmware(folder / uc / "guc_info"), _firmware(folder / uc / "huc_info")
    return None, None


def _debug_folders(dri: Path, address: str) -> Iterator[Path]:
    """Of one GPU: newer kernels name the folder after its address, all of them write it into 'name'."""
    try:
        folders = sorted(dri.iterdir())
    except OSError:
        return
    for folder in folders:
        try:
            if folder.name == address or address in (folder / "name").read_text(encoding="utf-8"):
                yield folder
        except OSError:
            continue


def _firmware(file: Path) -> Firmware | None:
    try:
        return parse_firmware(file.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def parse_firmware(text: str) -> Firmware | None:
    """From guc_info or huc_info: the file of the firmware and its status, or 'disabled' and 'not supported'."""
    file = re.search(r"^[GH]uC firmware: (\S+)", text, re.MULTILINE)
    status = re.search(r"^\s*status: (.+)", text, re.MULTILINE)
    if file and status:
        return Firmware(file.group(1), status.group(1).strip())
    word = re.match(r"[GH]uC (disabled|not supported)", text)
    return Firmware(None, word.group(1)) if word else None


def guc_configured(root: Path) -> int | None:
    """The value of enable_guc that the next load of i915 takes from modprobe.d; the last line counts."""
    files: dict[str, Path] = {}
    for folder in CONFIGURATION:
        for path in sorted(root.glob(f"{folder}/*.conf")):
            files.setdefault(path.name, path)
    found = None
    for _name, path in sorted(files.items()):
        for value in ENABLE_GUC.findall(path.read_text(encoding="utf-8", errors="replace")):
            found = int(value)
    return found


def firmware_there(root: Path, gpus: Iterable[Gpu]) -> frozenset[str]:
    """Those files that the kernel missed when it started the GPU, and that have come since."""
    missed = (each for gpu in gpus for each in (gpu.guc, gpu.huc) if each and each.status == MISSING and each.file)
    return frozenset(each.file for each in missed if each.file and any(root.glob(f"lib/firmware/{each.file}*")))
