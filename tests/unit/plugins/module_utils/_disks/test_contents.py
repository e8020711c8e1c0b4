# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import os
import random

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.contents import (
    BLOCK,
    CLAIM_SIZE,
    EDGE,
    SAMPLE,
    SAMPLES,
    THOROUGH,
    areas,
    claim_offset,
    decode_claim,
    encode_claim,
    read_contents,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.model import MIB, Claim, Contents, Signature
from tests.unit.plugins.module_utils._disks.simulation import memory

GIB = 1024 * MIB
CLAIM = Claim("optane-1", "0a1b2c3d-0000-5000-8000-000000000000", "ext4", "PHOC12345678118B")
SIZES = [1, 511, MIB, 16 * MIB, 32 * MIB, 32 * MIB + 512, 64 * MIB + 12345 * 512, 118_000_000_000, 1_000_204_886_016]


@pytest.mark.parametrize("samples", [SAMPLES, THOROUGH])
@pytest.mark.parametrize("size", SIZES)
def test_areas_cover_both_ends_and_do_not_overlap(size: int, samples: int) -> None:
    found = areas(size, samples)
    assert found[0][0] == 0
    assert sum(found[-1]) == size
    assert all(length > 0 for _offset, length in found)
    assert all(sum(first) <= second[0] for first, second in itertools.pairwise(found))


@pytest.mark.parametrize("size", SIZES)
def test_what_was_erased_thoroughly_is_blank_to_a_quick_look(size: int) -> None:
    wide = areas(size, THOROUGH)
    for offset, length in areas(size):
        assert any(start <= offset and offset + length <= start + over for start, over in wide)


def test_areas_of_a_large_disk_have_no_gap_over_a_fiftieth_of_it() -> None:
    size = 1_000_204_886_016
    found = areas(size)
    assert max(second[0] - sum(first) for first, second in itertools.pairwise(found)) < size / 50
    assert found[0] == (0, EDGE)
    assert found[-1][1] >= EDGE
    assert {length for _offset, length in found[1:-1]} == {SAMPLE}


@pytest.mark.parametrize("size", [size for size in SIZES if size >= 16 * MIB])
def test_the_claim_lies_in_the_last_area_and_behind_the_file_system(size: int) -> None:
    offset = claim_offset(size)
    assert offset % MIB == 0
    assert areas(size)[-1][0] <= offset
    assert offset + CLAIM_SIZE <= size
    # mkfs.xfs clears the last 128 KiB of the device.
    assert size - offset - CLAIM_SIZE > 128 * 1024


def test_a_claim_reads_back_and_a_damaged_one_does_not() -> None:
    block = encode_claim(CLAIM)
    assert len(block) == CLAIM_SIZE
    assert decode_claim(block) == CLAIM
    assert decode_claim(bytes(CLAIM_SIZE)) is None
    for place in (0, 20, 60):
        damaged = bytearray(block)
        damaged[place] ^= 1
        assert decode_claim(bytes(damaged)) is None
    with pytest.raises(ValueError, match="too long"):
        encode_claim(Claim("a", "b", "ext4", "x" * 600))


@pytest.mark.parametrize("size", [16 * MIB, 118_000_000_000])
def test_a_disk_of_zeros_is_blank(size: int) -> None:
    assert read_contents(memory(size), size) == Contents()


def test_any_byte_in_a_sampled_area_is_found() -> None:
    size = 118_000_000_000
    choose = random.Random(4)
    for offset, length in areas(size):
        place = offset + choose.randrange(length)
        assert read_contents(memory(size, (place, b"\1")), size).data_at == (place,)


def test_a_claim_alone_is_no_data() -> None:
    size = 64 * MIB
    written = [(claim_offset(size), encode_claim(CLAIM))]
    assert read_contents(memory(size, *written), size) == Contents(claim=CLAIM)
    written.append((BLOCK, b"inode table"))
    assert read_contents(memory(size, *written), size) == Contents(claim=CLAIM, data_at=(BLOCK,))
    written.append((100, b"boot"))
    assert not read_contents(memory(size, *written), size).head_blank


def test_a_damaged_claim_is_data_of_somebody() -> None:
    size = 64 * MIB
    block = bytearray(encode_claim(CLAIM))
    block[200] ^= 255
    found = read_contents(memory(size, (claim_offset(size), bytes(block))), size)
    assert found.claim is None
    assert found.data_at == (claim_offset(size),)


def test_foreign_signatures_are_merged_with_our_own() -> None:
    size = 64 * MIB
    foreign = [Signature("ntfs", "whole disk", "Windows"), Signature("ntfs", "sda1"), Signature("ntfs", "whole disk")]
    found = read_contents(memory(size, (3, b"NTFS    ")), size, foreign, samples=0)
    assert found.signatures == (Signature("ntfs", "sda1"), Signature("ntfs", "whole disk", "Windows"))
    assert found.data_at == ()


def test_random_data_is_found_with_the_stated_likelihood() -> None:
    size = 2 * GIB
    choose = random.Random(1)
    found = 0
    for _trial in range(12):
        # A twentieth of the disk in runs of 1 MiB: 64 samples miss it with (19/20)**64 = 4 %.
        places = [choose.randrange(EDGE, size - EDGE - MIB) for _run in range(size // 20 // MIB)]
        found += bool(read_contents(memory(size, *((place, os.urandom(16) * 65536) for place in places)), size).data_at)
    assert found >= 10
