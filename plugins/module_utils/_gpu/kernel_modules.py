# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the nvidia module of each kernel on disk, read from its file."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandRunner

from .model import KernelModule

# The module itself, as NVIDIA (nvidia) and Debian (nvidia-current, nvidia-tesla-535) call its file; not its companions.
FILE = re.compile(r"nvidia(-(current|tesla)(-open|-\d+)*|-legacy-\w+)?\.ko(\.(gz|xz|zst))?")
# What the kernel's sign-file puts behind a signature (include/linux/module_signature.h).
SIGNED = b"~Module signature appended~\n"
SECTION_HEADER = struct.Struct("<IIQQQQ")


def kernels_of(root: Path) -> tuple[str, ...]:
    """Releases of the kernels with an image in /boot, the newest last, as a boot loader sorts them."""
    names = (path.name.partition("-")[2] for path in root.glob("boot/vmlinuz-*"))
    return tuple(sorted(names, key=version_key))


def version_key(release: str) -> list[tuple[int, int, str]]:
    """Numbers compare as numbers."""
    parts = re.findall(r"\d+|\D+", release)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]


def modules_of(root: Path, run: CommandRunner) -> tuple[KernelModule, ...]:
    """The nvidia module of every kernel that has one, as depmod knows it: modprobe finds no other."""
    found = []
    for index in sorted(root.glob("lib/modules/*/modules.dep")):
        paths = (line.partition(":")[0] for line in index.read_text(encoding="utf-8", errors="replace").splitlines())
        path = next((path for path in paths if FILE.fullmatch(path.rpartition("/")[2])), None)
        if path and (index.parent / path).exists():
            version, signed = _read(index.parent / path, run)
            found.append(KernelModule(index.parent.name, path, version, signed))
    return tuple(found)


def _read(file: Path, run: CommandRunner) -> tuple[str | None, bool | None]:
    """Version and signature of a module."""
    if file.suffix == ".ko":
        return parse_module(file)
    # compressed: kmod knows all ways to, and is wherever modules are
    status, text, _stderr = run(["modinfo", str(file)])
    fields = dict(line.partition(":")[::2] for line in text.splitlines() if ":" in line)
    return (fields.get("version", "").strip() or None, "sig_id" in fields) if status == 0 else (None, None)


def parse_module(file: Path) -> tuple[str | None, bool | None]:
    """Version and signature from the file itself; both unknown for one that is no 64-bit module."""
    with file.open("rb") as stream:
        header = stream.read(64)
        if header[:6] != b"\x7fELF\x02\x01":
            return None, None
        (table,) = struct.unpack_from("<Q", header, 0x28)
        entry, count, names_index = struct.unpack_from("<HHH", header, 0x3A)
        stream.seek(table)
        headers = stream.read(entry * count)
        sections = [SECTION_HEADER.unpack_from(headers, entry * number) for number in range(count)]

        def content(section: tuple[int, ...]) -> bytes:
            stream.seek(section[4])
            return stream.read(section[5])

        names = content(sections[names_index])
        notes = next((each for each in sections if names[each[0] :].startswith(b".modinfo\0")), None)
        fields = content(notes).split(b"\0") if notes else []
        stream.seek(-len(SIGNED), 2)
        signed = stream.read() == SIGNED
    version = next((text.partition(b"=")[2].decode() for text in fields if text.startswith(b"version=")), None)
    return version, signed
