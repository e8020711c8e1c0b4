# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: recognise by bytes what is on a disk, independent of libblkid's version and of udev."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterator

from .model import Filesystem, Signature

# (offset, length) -> bytes; shorter at the end of the disk
Reader = Callable[[int, int], bytes]

KIB = 1024
WHOLE = "whole disk"

MD_MAGIC = 0xA92B4EFC  # linux/raid/md_p.h
ZFS_UBERBLOCK = 0x00BAB10C  # openzfs uberblock_impl.h
ZFS_LABEL = 256 * KIB
LUKS2_SECONDARY = tuple(KIB * 2**power for power in range(4, 13))  # cryptsetup on-disk format, 16 KiB .. 4 MiB

# kind, offset of the magic, magic
MAGICS: tuple[tuple[str, int, bytes], ...] = (
    *(("LVM2_member", sector * 512, b"LABELONE") for sector in range(4)),
    ("crypto_LUKS", 0, b"LUKS\xba\xbe"),
    ("bcache", 4096 + 24, bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81")),
    ("bcachefs", 4096 + 24, bytes.fromhex("c68573f666ce90a9d96a60cf803df7ef")),
    ("ceph_bluestore", 0, b"bluestore block device"),
    *(
        ("swap", page - 10, magic)
        for page in (4096, 8192, 16384, 32768, 65536)
        for magic in (b"SWAPSPACE2", b"SWAP-SPACE")
    ),
    ("gpt", 512, b"EFI PART"),
    ("gpt", 4096, b"EFI PART"),
    ("btrfs", 64 * KIB + 64, b"_BHRfS_M"),
    ("btrfs", 64 * KIB * KIB + 64, b"_BHRfS_M"),
    ("ntfs", 3, b"NTFS    "),
    ("exfat", 3, b"EXFAT   "),
    ("vfat", 82, b"FAT32   "),
    ("vfat", 54, b"FAT1"),
    ("f2fs", 1024, bytes.fromhex("1020f5f2")),
)


def find_signatures(read: Reader, size: int) -> Iterator[Signature]:
    """Every known mark on the whole disk, one per kind and place."""
    for kind, offset, magic in MAGICS:
        if read(offset, len(magic)) == magic:
            yield Signature(kind, WHOLE)
    if read(510, 2) == b"\x55\xaa":
        yield Signature("dos", WHOLE)
    for offset in (size - 512, size - 4096):
        if read(offset, 8) == b"EFI PART":
            yield Signature("gpt", WHOLE)
    if any(_is_luks2_secondary(read, offset) for offset in LUKS2_SECONDARY):
        yield Signature("crypto_LUKS", WHOLE)
    if _has_md(read, size):
        yield Signature("linux_raid_member", WHOLE)
    if _has_zfs(read, size):
        yield Signature("zfs_member", WHOLE)


def find_filesystem(read: Reader) -> Filesystem | None:
    """The ext or XFS file system whose primary superblock is on the disk."""
    return _ext(read(1024, 1024)) or _xfs(read(0, 512))


def _ext(block: bytes) -> Filesystem | None:
    if len(block) < 1024 or block[56:58] != b"\x53\xef":
        return None
    inodes, free_inodes, mounted_at = (struct.unpack_from("<I", block, offset)[0] for offset in (0, 16, 44))
    mounts = struct.unpack_from("<H", block, 52)[0]
    compat, incompat, ro_compat = struct.unpack_from("<III", block, 92)
    # Feature bits as libblkid tells the three apart: journal device, features ext3 lacks, has_journal.
    if incompat & 0x8:
        kind = "jbd"
    elif incompat & ~0x16 or ro_compat & ~0x7:
        kind = "ext4"
    else:
        kind = "ext3" if compat & 0x4 else "ext2"
    # A new ext4 uses eleven inodes: ten reserved ones and lost+found.
    pristine = mounted_at == 0 and mounts == 0 and inodes - free_inodes <= 11
    return Filesystem(kind, _text(block[120:136]), str(uuid.UUID(bytes=block[104:120])), pristine)


def _xfs(block: bytes) -> Filesystem | None:
    if block[:4] != b"XFSB" or len(block) < 128:
        return None
    # sb_inprogress stays set until mkfs.xfs has finished, and such a file system cannot be mounted.
    return Filesystem("xfs", _text(block[108:120]), str(uuid.UUID(bytes=block[32:48])), bool(block[126]))


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")


def _is_luks2_secondary(read: Reader, offset: int) -> bool:
    """A second header says where it lies, which tells it from one inside a file that is stored on the disk."""
    head = read(offset, 264)
    return head[:6] == b"SKUL\xba\xbe" and struct.unpack_from(">Q", head, 256)[0] == offset


def _has_md(read: Reader, size: int) -> bool:
    old = (size & ~(64 * KIB - 1)) - 64 * KIB
    magic = read(old, 4)
    if len(magic) == 4 and MD_MAGIC in (struct.unpack("<I", magic)[0], struct.unpack(">I", magic)[0]):
        return True
    for offset in (0, 4096, ((size // 512 - 16) & ~7) * 512):
        head = read(offset, 136)
        # From version 1.0 on the superblock says in which sector it lies.
        if len(head) == 136 and struct.unpack_from("<I124xQ", head) == (MD_MAGIC, offset // 512):
            return True
    return False


def _has_zfs(read: Reader, size: int) -> bool:
    end = size & ~(ZFS_LABEL - 1)
    for label in (0, ZFS_LABEL, end - 2 * ZFS_LABEL, end - ZFS_LABEL):
        if label < 0:
            continue
        whole = read(label, ZFS_LABEL)
        if b"pool_guid" in whole[16 * KIB : 128 * KIB]:
            return True
        for place in range(128 * KIB, len(whole) - 7, KIB):
            magic = whole[place : place + 8]
            if ZFS_UBERBLOCK in (struct.unpack("<Q", magic)[0], struct.unpack(">Q", magic)[0]):
                return True
    return False
