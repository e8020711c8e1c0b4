# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: read and write /etc/fstab without disturbing the lines of others."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .model import FstabLine, Volume

TAG = "x-homelab.volume="
TIMEOUT = "x-systemd.device-timeout="


def parse_fstab(text: str) -> tuple[FstabLine, ...]:
    return tuple(_parse_line(raw) for raw in text.splitlines())


def render_fstab(lines: Sequence[FstabLine]) -> str:
    return "".join(f"{line.raw}\n" for line in lines)


def _parse_line(raw: str) -> FstabLine:
    fields = raw.split()
    if len(fields) < 3 or raw.lstrip().startswith("#"):
        return FstabLine(raw)
    options = tuple(fields[3].split(",")) if len(fields) > 3 else ("defaults",)
    return FstabLine(raw, _unescape(fields[0]), _unescape(fields[1]), fields[2], options)


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def mount_options(volume: Volume) -> tuple[str, ...]:
    """The tier's options, and those that keep a boot going when the disk is dead."""
    options = list(volume.tier.options or ("defaults",))
    if "nofail" not in options:
        options.append("nofail")
    if not any(option.startswith(TIMEOUT) for option in options):
        # nofail has the boot wait for nothing; a controller that looks for its disks may take longer than half a minute
        options.append(f"{TIMEOUT}120s")
    return (*options, f"{TAG}{volume.label}")


def line_for(volume: Volume) -> FstabLine:
    # The pass number: fsck.xfs does nothing and wants 0; ext4 is checked after the root.
    check = 2 if volume.tier.filesystem == "ext4" else 0
    options = mount_options(volume)
    raw = f"UUID={volume.uuid} {volume.mount} {volume.tier.filesystem} {','.join(options)} 0 {check}"
    return FstabLine(raw, f"UUID={volume.uuid}", volume.mount, volume.tier.filesystem, options)


def is_ours(line: FstabLine, volume: Volume) -> bool:
    """A line we wrote for this volume, or one by hand that names its file system in a way we may take over."""
    if f"{TAG}{volume.label}" in line.options:
        return True
    tagged = any(option.startswith(TAG) for option in line.options)
    return not tagged and line.mount == volume.mount and line.spec in (f"UUID={volume.uuid}", f"LABEL={volume.label}")


def clashes(lines: Sequence[FstabLine], volume: Volume) -> list[str]:
    """Lines of others that would mount over the volume, or mount the volume elsewhere."""
    specs = (f"UUID={volume.uuid}", f"LABEL={volume.label}")
    found = []
    for line in lines:
        if line.spec and not is_ours(line, volume) and (line.mount == volume.mount or line.spec in specs):
            found.append(
                f"/etc/fstab already mounts {line.spec} at {line.mount}, where {volume.label} is wanted at "
                f"{volume.mount}; remove that line."
            )
    return found


def merge_line(lines: Sequence[FstabLine], volume: Volume) -> tuple[FstabLine, ...]:
    """The table with exactly one line for the volume, at the place of its first old one or at the end."""
    wanted = line_for(volume)
    merged: list[FstabLine] = []
    placed = False
    for line in lines:
        if not line.spec or not is_ours(line, volume):
            merged.append(line)
        elif not placed:
            merged.append(line if line.raw.split() == wanted.raw.split() else wanted)
            placed = True
    return tuple(merged if placed else (*merged, wanted))
