# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import struct

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.model import MIB, Filesystem
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.signatures import (
    LUKS2_SECONDARY,
    MAGICS,
    find_filesystem,
    find_signatures,
)
from tests.unit.plugins.module_utils._disks.simulation import memory

SIZE = 256 * MIB
UUID = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
RAW_UUID = bytes.fromhex(UUID.replace("-", ""))


def kinds(*written: tuple[int, bytes]) -> set[str]:
    return {signature.kind for signature in find_signatures(memory(SIZE, *written), SIZE)}


@pytest.mark.parametrize(("kind", "offset", "magic"), MAGICS)
def test_each_magic_is_recognised_at_its_place_and_nowhere_else(kind: str, offset: int, magic: bytes) -> None:
    assert kind in kinds((offset, magic))
    assert kinds((offset + 1, magic)) == set()


def md(offset: int, claimed: int | None = None) -> bytes:
    return struct.pack("<I124xQ", 0xA92B4EFC, (offset if claimed is None else claimed) // 512)


OTHERS = [
    ("dos", (510, b"\x55\xaa")),
    ("gpt", (SIZE - 512, b"EFI PART")),
    ("gpt", (SIZE - 4096, b"EFI PART")),
    ("linux_raid_member", (0, md(0))),
    ("linux_raid_member", (4096, md(4096))),
    ("linux_raid_member", (SIZE - 8192, md(SIZE - 8192))),
    ("linux_raid_member", (SIZE - 65536, struct.pack("<I", 0xA92B4EFC))),
    ("linux_raid_member", (SIZE - 65536, struct.pack(">I", 0xA92B4EFC))),
    ("zfs_member", (128 * 1024, struct.pack("<Q", 0x00BAB10C))),
    ("zfs_member", (SIZE - 256 * 1024 + 130 * 1024, struct.pack(">Q", 0x00BAB10C))),
    ("zfs_member", (SIZE - 512 * 1024 + 20 * 1024, b"....pool_guid....")),
    *(("crypto_LUKS", (place, b"SKUL\xba\xbe" + bytes(250) + struct.pack(">Q", place))) for place in LUKS2_SECONDARY),
]


@pytest.mark.parametrize(("kind", "written"), OTHERS)
def test_marks_that_need_more_than_a_magic_are_recognised(kind: str, written: tuple[int, bytes]) -> None:
    assert kinds(written) == {kind}


def test_headers_inside_files_on_the_disk_are_not_taken_for_its_own() -> None:
    """Longhorn stores encrypted volumes and images of arrays as files; their headers may come to lie anywhere."""
    assert kinds((65536, b"SKUL\xba\xbe" + bytes(250) + struct.pack(">Q", 16384))) == set()
    assert kinds((4096, md(4096, claimed=0))) == set()


def ext(incompat: int = 0x42, mounted_at: int = 0, mounts: int = 0, used: int = 11, compat: int = 0x4) -> bytes:
    block = bytearray(1024)
    struct.pack_into("<I", block, 0, 1000)
    struct.pack_into("<I", block, 16, 1000 - used)
    struct.pack_into("<I", block, 44, mounted_at)
    struct.pack_into("<HH2s", block, 52, mounts, 65535, b"\x53\xef")
    struct.pack_into("<III", block, 92, compat, incompat, 0)
    block[104:120] = RAW_UUID
    block[120:128] = b"optane-1"
    return bytes(block)


EXT = [
    ("new", ext(), Filesystem("ext4", "optane-1", UUID, pristine=True)),
    ("was mounted", ext(mounts=1), Filesystem("ext4", "optane-1", UUID)),
    ("was mounted, count reset", ext(mounted_at=1_750_000_000), Filesystem("ext4", "optane-1", UUID)),
    ("filled without a mount", ext(used=12), Filesystem("ext4", "optane-1", UUID)),
    ("ext3", ext(incompat=0x2), Filesystem("ext3", "optane-1", UUID, pristine=True)),
    ("ext2", ext(incompat=0x2, compat=0), Filesystem("ext2", "optane-1", UUID, pristine=True)),
    ("journal of another", ext(incompat=0x8), Filesystem("jbd", "optane-1", UUID, pristine=True)),
]


@pytest.mark.parametrize(("_name", "block", "expected"), EXT, ids=[row[0] for row in EXT])
def test_an_ext_superblock_tells_whether_anything_can_be_in_it(_name: str, block: bytes, expected: Filesystem) -> None:
    assert find_filesystem(memory(SIZE, (1024, block))) == expected


@pytest.mark.parametrize("in_progress", [0, 1])
def test_an_xfs_superblock_tells_whether_mkfs_has_finished(in_progress: int) -> None:
    block = bytearray(512)
    block[:4] = b"XFSB"
    block[32:48] = RAW_UUID
    block[108:113] = b"ssd-1"
    block[126] = in_progress
    assert find_filesystem(memory(SIZE, (0, bytes(block)))) == Filesystem(
        "xfs", "ssd-1", UUID, pristine=bool(in_progress)
    )


def test_a_blank_disk_has_no_file_system() -> None:
    assert find_filesystem(memory(SIZE)) is None
    assert kinds() == set()
