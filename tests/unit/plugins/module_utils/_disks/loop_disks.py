# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks for tests that write: images behind loop devices 40 to 47, and every signature that a program can leave."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks import write

NUMBERS = range(40, 48)
MIB = 1024 * 1024
GIB = 1024 * MIB


def why_not() -> str:
    """Why loop devices must not or cannot be used here; empty when they may."""
    if os.environ.get("HOMELAB_LOOP_TESTS") != "1":
        return "writes to loop devices 40 to 47: say HOMELAB_LOOP_TESTS=1 where that is all right"
    if os.geteuid() != 0:
        return "needs root"
    if not Path("/dev/loop-control").exists():
        return "needs /dev/loop-control"
    taken = [number for number in NUMBERS if Path(f"/sys/block/loop{number}/loop").exists()]
    if taken:
        return f"needs loop devices 40 to 47, and somebody uses {', '.join(f'loop{number}' for number in taken)}"
    return "" if _knows_immutable_files() else f"needs a temporary folder on ext4 or XFS, not {tempfile.gettempdir()}"


def _knows_immutable_files() -> bool:
    with tempfile.NamedTemporaryFile() as file:
        marks = [subprocess.run(["chattr", mark, file.name], capture_output=True).returncode for mark in ("+i", "-i")]
    return marks == [0, 0]


def run(argv: Sequence[str]) -> tuple[int, str, str]:
    try:
        done = subprocess.run(
            list(argv), capture_output=True, text=True, stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"}
        )
    except FileNotFoundError as error:
        return 127, "", str(error)
    return done.returncode, done.stdout, done.stderr


def must(*argv: str, give: str = "") -> str:
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    return subprocess.run(argv, check=True, capture_output=True, text=True, input=give).stdout


@dataclass
class Shelf:
    """Images by serial, and the loop devices they are plugged into."""

    folder: Path
    plugged: dict[str, str] = field(default_factory=dict)

    def image(self, serial: str) -> Path:
        return self.folder / f"{serial}.img"

    def new(self, serial: str, size: int = 64 * MIB) -> str:
        with self.image(serial).open("wb") as stream:
            stream.truncate(size)
        return self.plug(serial)

    def plug(self, serial: str, number: int | None = None, folder: str = "", read_only: bool = False) -> str:
        taken = {int(device[len("/dev/loop") :]) for device in self.plugged.values()}
        free = number if number is not None else min(set(NUMBERS) - taken)
        device = f"/dev/loop{free}"
        if not Path(device).exists():
            os.mknod(device, 0o60600, os.makedev(7, free))
        image = self.image(serial) if not folder else self.folder / folder / f"{serial}.img"
        must("losetup", *(["--read-only"] if read_only else []), device, str(image))
        self.plugged[folder + serial] = device
        return device

    def unplug(self, serial: str) -> None:
        device = self.plugged.pop(serial)
        must("losetup", "--detach", device)
        # while another program looks at it, the kernel lets go of it only afterwards
        backing = Path(f"/sys/block/{device[len('/dev/') :]}/loop")
        deadline = time.monotonic() + 30
        while backing.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{device} is still held 30 s after it was detached")
            time.sleep(0.05)

    def digest(self, serial: str) -> str:
        os.sync()
        with self.image(serial).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def shelf(folder: Path) -> Iterator[Shelf]:
    made = Shelf(folder)
    try:
        yield made
    finally:
        for mount in (folder / "mnt").glob("*"):
            while os.path.ismount(mount):
                must("umount", str(mount))
            subprocess.run(["chattr", "-i", str(mount)], check=True)
        for serial in list(made.plugged):
            made.unplug(serial)


def poke(device: str, *places: tuple[int, bytes]) -> None:
    """Write bytes at offsets; negative ones count from the end."""
    with write.exclusive(device) as descriptor:
        size = os.lseek(descriptor, 0, os.SEEK_END)
        for offset, data in places:
            os.pwrite(descriptor, data, offset % size)


def _md_superblock(size: int, offset: int) -> bytes:
    """Version 1 superblock as md_p.h lays it out, with a right checksum, so that libblkid believes it too."""
    block = bytearray(256)
    struct.pack_into("<II", block, 0, 0xA92B4EFC, 1)
    block[16:32] = uuid.uuid4().bytes
    struct.pack_into("<Q", block, 128 + 16, offset // 512)
    struct.pack_into("<Q", block, 144, offset // 512)
    checksum = sum(struct.unpack("<64I", block))
    struct.pack_into("<I", block, 216, (checksum & 0xFFFFFFFF) + (checksum >> 32))
    return bytes(block)


def md_at_start(device: str, size: int) -> None:
    poke(device, (4096, _md_superblock(size, 4096)))


def md_at_end(device: str, size: int) -> None:
    offset = ((size // 512 - 16) & ~7) * 512
    poke(device, (offset, _md_superblock(size, offset)))


def md_old(device: str, size: int) -> None:
    poke(device, ((size & ~0xFFFF) - 0x10000, struct.pack("<IIII", 0xA92B4EFC, 0, 90, 0)))


def zfs(device: str, size: int) -> None:
    ring = b"".join(struct.pack("<QQQ", 0x00BAB10C, 5000, step + 1).ljust(1024, b"\0") for step in range(16))
    end = size & ~(256 * 1024 - 1)
    for label in (0, 256 * 1024, end - 512 * 1024, end - 256 * 1024):
        poke(device, (label + 128 * 1024, ring))


def zfs_last_label_only(device: str, size: int) -> None:
    poke(device, ((size & ~(256 * 1024 - 1)) - 256 * 1024 + 16 * 1024, b"\1\1\0\0" + b"pool_guid"))


def luks_second_header_only(device: str, size: int) -> None:
    luks("luks2")(device, size)
    poke(device, (0, bytes(4096)))


def luks(kind: str) -> Callable[[str, int], None]:
    return lambda device, _size: (
        must("cryptsetup", "luksFormat", "-q", f"--type={kind}", *FAST_KEY, device, give="s") and None
    )


def ceph(device: str, _size: int) -> None:
    poke(device, (0, b"bluestore block device\n" + uuid.uuid4().bytes))


def lvm(device: str, _size: int) -> None:
    must("pvcreate", "--yes", "--devices", device, device)


def partitioned(label: str) -> Callable[[str, int], None]:
    def make(device: str, _size: int) -> None:
        must("sfdisk", device, give=f"label: {label}\n,16M\n")

    return make


def tool(*argv: str) -> Callable[[str, int], None]:
    def make(device: str, _size: int) -> None:
        must(*argv, device)

    return make


FAST_KEY = ("--pbkdf=pbkdf2", "--pbkdf-force-iterations=1000", "--key-file=-")

# name -> (size, what makes it)
SIGNATURES: dict[str, tuple[int, Callable[[str, int], None]]] = {
    "ext2": (64 * MIB, tool("mke2fs", "-q", "-t", "ext2")),
    "ext3": (64 * MIB, tool("mke2fs", "-q", "-t", "ext3")),
    "ext4": (64 * MIB, tool("mke2fs", "-q", "-t", "ext4", "-L", "photos")),
    "xfs": (320 * MIB, tool("mkfs.xfs", "-q")),
    "btrfs": (160 * MIB, tool("mkfs.btrfs", "-q")),
    "f2fs": (64 * MIB, tool("mkfs.f2fs", "-q")),
    "ntfs": (64 * MIB, tool("mkntfs", "--quick", "--quiet", "--force")),
    "vfat": (64 * MIB, tool("mkfs.vfat")),
    "exfat": (64 * MIB, tool("mkfs.exfat")),
    "minix": (64 * MIB, tool("mkfs.minix")),
    "swap": (64 * MIB, tool("mkswap")),
    "lvm": (64 * MIB, lvm),
    "luks1": (
        64 * MIB,
        lambda device, _size: (
            must("cryptsetup", "luksFormat", "-q", "--type=luks1", *FAST_KEY, device, give="s") and None
        ),
    ),
    "luks2": (
        64 * MIB,
        lambda device, _size: (
            must("cryptsetup", "luksFormat", "-q", "--type=luks2", *FAST_KEY, device, give="s") and None
        ),
    ),
    "luks2 second header only": (64 * MIB, luks_second_header_only),
    "bcache backing": (64 * MIB, tool("make-bcache", "-B")),
    "bcache cache": (64 * MIB, tool("make-bcache", "-C")),
    "gpt": (64 * MIB, partitioned("gpt")),
    "mbr": (64 * MIB, partitioned("dos")),
    "md 1.2": (64 * MIB, md_at_start),
    "md 1.0": (64 * MIB, md_at_end),
    "md 0.90": (64 * MIB, md_old),
    "zfs": (64 * MIB, zfs),
    "zfs last label only": (64 * MIB, zfs_last_label_only),
    "ceph bluestore": (
        64 * MIB,
        ceph,
    ),
    "gpt backup only": (64 * MIB, lambda device, _size: poke(device, (-512, b"EFI PART" + bytes(84)))),
    "data in the first sector": (64 * MIB, lambda device, _size: poke(device, (0, b"x"))),
    "data in the last byte": (64 * MIB, lambda device, _size: poke(device, (-1, b"x"))),
    "random data all over": (
        64 * MIB,
        lambda device, size: poke(device, *((at, os.urandom(4096)) for at in range(2 * MIB, size - 2 * MIB, MIB))),
    ),
    "random data on a large disk": (
        2 * GIB,
        lambda device, size: poke(
            device, *((at, os.urandom(MIB)) for at in range(GIB // 4, size - GIB // 4, 19 * MIB))
        ),
    ),
}
