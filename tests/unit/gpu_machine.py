# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines with GPUs, made of the descriptions in fixtures/gpu, for tests."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

FIXTURES = Path(__file__).parent / "fixtures" / "gpu"
SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
PARTS = ("links", "files", "modules", "programs")


class GpuMachine:
    """A folder that stands for a machine, and the programs that it has."""

    def __init__(self, root: Path, description: dict[str, Any]) -> None:
        self.root = root
        self.calls: list[Sequence[str]] = []
        self._programs: dict[str, Any] = description["programs"]
        for path, content in description["files"].items():
            self.write(path, content)
        for path, target in description["links"].items():
            self._place(path).symlink_to(target)
        for path, content in description["modules"].items():
            self._place(path).write_bytes(kernel_module(**content))
        if description["secure_boot"] is not None:
            self._place(SECURE_BOOT).write_bytes(b"\x06\0\0\0" + bytes([description["secure_boot"]]))
        self.render_gid = self._own_devices()
        self.write("etc/group", f"root:x:0:\nvideo:x:44:josh\nrender:x:{self.render_gid}:\n")

    def run(self, argv: Sequence[str]) -> tuple[int, str, str]:
        """A program of this machine; others are not installed."""
        self.calls.append(argv)
        answer = self._programs.get(argv[0])
        return (answer["status"], answer["stdout"], "") if answer else (127, "", f"{argv[0]}: No such file")

    def _own_devices(self) -> int:
        """Give the device files to the group render; without root's rights that is the group of who runs the tests."""
        number = 109 if os.geteuid() == 0 else os.getgid()
        for file in self.root.glob("dev/dri/*"):
            os.chown(file, -1, number)
        return number

    def write(self, path: str, content: str) -> None:
        """A file, with the folders above it."""
        self._place(path).write_text(content if content.endswith("\n") else f"{content}\n" if content else "")

    def _place(self, path: str) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place


def machine(name: str, root: Path) -> GpuMachine:
    """The machine of one fixture, below root."""
    return GpuMachine(root, described(name))


def described(name: str) -> dict[str, Any]:
    """A fixture, together with the one that it is like."""
    found = yaml.safe_load((FIXTURES / f"{name}.yml").read_text(encoding="utf-8"))
    base = described(found["like"]) if "like" in found else {"secure_boot": None}
    result: dict[str, Any] = {"secure_boot": found.get("secure_boot", base["secure_boot"])}
    for part in PARTS:
        changed = found.get(part, {})
        merged = {**base.get(part, {}), **changed} if changed is not None else {}
        result[part] = {key: value for key, value in merged.items() if value is not None}
    return result


def kernel_module(version: str, signed: bool) -> bytes:
    """An ELF file with the sections that matter, as a kernel module has them, in an order of its own."""
    notes = b"license=NVIDIA\0version=" + version.encode() + b"\0srcversion=533BB7E5866E52F63B9ACCB\0depends=\0"
    names = b"\0.text\0.modinfo\0.shstrtab\0"
    sections = [(0, b""), (names.index(b".text"), b"\x90" * 32)]
    sections += [(names.index(b".shstrtab"), names), (names.index(b".modinfo"), notes)]
    body, headers = bytearray(64), b""
    for name, content in sections:
        headers += struct.pack("<IIQQQQIIQQ", name, 1, 0, 0, len(body), len(content), 0, 0, 1, 0)
        body += content
    struct.pack_into("<16sHHIQQQIHHHHHH", body, 0, b"\x7fELF\x02\x01\x01", 1, 62, 1, 0, 0, len(body), 0, 64, 0, 0, 64,
                     len(sections), 2)  # fmt: skip
    signature = b"\x30\x82" + b"\0" * 12 + b"~Module signature appended~\n" if signed else b""
    return bytes(body) + headers + signature
