# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: read the places of a disk that tell whether it is blank, ours or somebody else's."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator

from .model import MIB, TAIL, Claim, Contents, Signature
from .signatures import Reader, find_filesystem, find_signatures

EDGE = 2 * MIB
SAMPLE = 16 * 1024
SAMPLES = 64
# Before a disk is written for the first time.
THOROUGH = 1024
BLOCK = 4096
# Copies of superblocks: LUKS2's last second header, btrfs' mirrors, ext4's first backup (4 KiB blocks).
COPIES = (4 * MIB, 64 * MIB, 128 * MIB, 256 * 1024 * MIB)
CLAIM_MAGIC = b"homelab-claim-1\n"
# One sector of any disk, so that a power cut leaves the claim whole or absent.
CLAIM_SIZE = 512

Area = tuple[int, int]


def areas(size: int, samples: int = SAMPLES) -> tuple[Area, ...]:
    """(offset, length) of what is read to call a disk blank and zeroed to make it so; ascending, not overlapping.

    More samples include all places of fewer, so that what was erased thoroughly looks blank to a quick look too.
    """
    if size <= 16 * EDGE:
        return ((0, size),)
    tail = (size - EDGE) // BLOCK * BLOCK
    wanted = {*_evenly(size, SAMPLES), *_evenly(size, samples), *COPIES}
    found: list[Area] = [(0, EDGE)]
    for offset in sorted(offset for offset in wanted if offset + SAMPLE <= tail):
        start, length = found[-1]
        if offset <= start + length:
            found[-1] = (start, max(length, offset + SAMPLE - start))
        else:
            found.append((offset, SAMPLE))
    return (*found, (tail, size - tail))


def _evenly(size: int, samples: int) -> Iterator[int]:
    for step in range(samples):
        yield size * (2 * step + 1) // (2 * samples) // BLOCK * BLOCK


def claim_offset(size: int) -> int:
    """Where the claim lies and the file system ends."""
    return size // MIB * MIB - TAIL


def encode_claim(claim: Claim) -> bytes:
    body = json.dumps(
        {"filesystem": claim.filesystem, "label": claim.label, "serial": claim.serial, "uuid": claim.uuid},
        sort_keys=True,
    ).encode()
    record = CLAIM_MAGIC + hashlib.sha256(body).digest() + body
    if len(record) > CLAIM_SIZE:
        raise ValueError(f"serial number '{claim.serial}' is too long for a claim")
    return record.ljust(CLAIM_SIZE, b"\0")


def decode_claim(block: bytes) -> Claim | None:
    """The claim in block; None when there is none or it is damaged (then it counts as data of somebody else)."""
    start = len(CLAIM_MAGIC)
    body = block[start + 32 :].rstrip(b"\0")
    if block[:start] != CLAIM_MAGIC or hashlib.sha256(body).digest() != block[start : start + 32]:
        return None
    return Claim(**json.loads(body))


def read_contents(read: Reader, size: int, foreign: Iterable[Signature] = (), samples: int = SAMPLES) -> Contents:
    """Judge a disk by its bytes. `foreign` are signatures that other tools reported.

    With no samples (the disk is in use, hence never a candidate) only the fixed places of known marks are read.
    """
    filesystem = find_filesystem(read)
    found = [*find_signatures(read, size), *foreign]
    if filesystem is not None:
        found.append(Signature(filesystem.kind, "whole disk", filesystem.label, filesystem.uuid))
    claim = decode_claim(read(claim_offset(size), CLAIM_SIZE)) if size >= 4 * TAIL else None
    return Contents(
        signatures=merge(found),
        filesystem=filesystem,
        claim=claim,
        data_at=tuple(_data(read, size, samples, claim is not None)) if samples else (),
        head_blank=not read(0, BLOCK).strip(b"\0"),
    )


def merge(found: Iterable[Signature]) -> tuple[Signature, ...]:
    """One entry per kind and place, the one that says most."""
    best: dict[tuple[str, str], Signature] = {}
    for signature in found:
        key = (signature.place, signature.kind)
        if key not in best or (signature.label, signature.uuid) > (best[key].label, best[key].uuid):
            best[key] = signature
    return tuple(best[key] for key in sorted(best))


def _data(read: Reader, size: int, samples: int, claimed: bool) -> Iterable[int]:
    claim_at = claim_offset(size)
    for offset, length in areas(size, samples):
        block = read(offset, length)
        if claimed and offset <= claim_at < offset + length:
            inside = claim_at - offset
            block = block[:inside] + bytes(CLAIM_SIZE) + block[inside + CLAIM_SIZE :]
        if block != _zeros(len(block)):
            yield offset + len(block) - len(block.lstrip(b"\0"))


@functools.lru_cache(maxsize=4)
def _zeros(length: int) -> bytes:
    return bytes(length)
