# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zstandard frames whose blocks are stored: what the lab's own archives of images consist of (RFC 8878).

Python 3.11 has no zstd. Any decompressor reads what `stored` writes; `read` refuses blocks that really are compressed.
"""

from __future__ import annotations

_MAGIC = b"\x28\xb5\x2f\xfd"
# one segment, its size in four bytes, no checksum, no dictionary
_DESCRIPTOR = b"\xa0"
_HEADER = len(_MAGIC) + len(_DESCRIPTOR) + 4
_BLOCK = 1 << 17
_BLOCK_HEADER = 3


def stored(content: bytes) -> bytes:
    """A frame that holds the content as it is."""
    blocks = [content[start : start + _BLOCK] for start in range(0, len(content), _BLOCK)] or [b""]
    frame = _MAGIC + _DESCRIPTOR + len(content).to_bytes(4, "little")
    for number, block in enumerate(blocks):
        last = number == len(blocks) - 1
        frame += (int(last) | len(block) << 3).to_bytes(_BLOCK_HEADER, "little") + block
    return frame


def read(frame: bytes) -> bytes:
    """The content of such a frame; ValueError for another one."""
    if frame[: len(_MAGIC)] != _MAGIC:
        raise ValueError("it is no zstd file")
    if frame[len(_MAGIC) : len(_MAGIC) + 1] != _DESCRIPTOR:
        raise ValueError("the lab stand-in reads only archives of the lab")
    content, place = b"", _HEADER
    while True:
        header = int.from_bytes(frame[place : place + _BLOCK_HEADER], "little")
        last, kind, size = header & 1, header >> 1 & 3, header >> 3
        place += _BLOCK_HEADER
        if kind:
            raise ValueError("the lab stand-in reads only archives of the lab")
        if place + size > len(frame):
            raise ValueError("it ends too early")
        content += frame[place : place + size]
        place += size
        if last:
            return content
