# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the fingerprints of OpenPGP keys, without GnuPG on the host; pure (RFC 4880)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator

_ARMOR = re.compile(
    r"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\n]+\n)*?\r?\n(.*?)\r?\n?(?:=[A-Za-z0-9+/]{4}\s*)?"
    r"-----END PGP PUBLIC KEY BLOCK-----",
    re.DOTALL,
)
_PUBLIC_KEY = 6  # section 4.3
_HASHED_PREFIX = b"\x99"  # section 12.2


def fingerprints(content: bytes) -> list[str]:
    """Fingerprints of the primary keys in a key file, armored or not; empty for what is no key file."""
    try:
        return [_fingerprint(body) for tag, body in _packets(_dearmored(content)) if tag == _PUBLIC_KEY]
    except (IndexError, ValueError, binascii.Error):
        return []


def _dearmored(content: bytes) -> bytes:
    text = content.decode("ascii", "replace")
    blocks = _ARMOR.findall(text)
    return b"".join(base64.b64decode(block) for block in blocks) if blocks else content


def _fingerprint(body: bytes) -> str:
    if body[0] != 4:
        raise ValueError(f"a key of version {body[0]}")
    return hashlib.sha1(_HASHED_PREFIX + len(body).to_bytes(2, "big") + body).hexdigest().upper()


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and body of each packet; both header formats (sections 4.2.1 and 4.2.2)."""
    position = 0
    while position < len(data):
        head = data[position]
        if not head & 0x80:
            raise ValueError("no packet")
        tag, start, length = _new_header(data, position) if head & 0x40 else _old_header(data, position)
        if start + length > len(data):
            raise ValueError("a packet that is cut off")
        yield tag, data[start : start + length]
        position = start + length


def _old_header(data: bytes, position: int) -> tuple[int, int, int]:
    size = {0: 1, 1: 2, 2: 4}.get(data[position] & 0x03)
    if size is None:
        raise ValueError("a packet without a length")
    start = position + 1 + size
    return (data[position] >> 2) & 0x0F, start, int.from_bytes(data[position + 1 : start], "big")


def _new_header(data: bytes, position: int) -> tuple[int, int, int]:
    tag, first = data[position] & 0x3F, data[position + 1]
    if first < 192:
        return tag, position + 2, first
    if first < 224:
        return tag, position + 3, ((first - 192) << 8) + data[position + 2] + 192
    if first < 255:
        raise ValueError("a packet in parts")
    return tag, position + 6, int.from_bytes(data[position + 2 : position + 6], "big")
