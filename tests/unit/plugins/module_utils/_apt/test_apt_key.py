# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fingerprints, as GnuPG prints them for the same keys."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._apt.key import fingerprints

# made for this test with gpg --quick-gen-key; its secret half was thrown away
KEY = """-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawRSKBYJKwYBBAHaRw8BAQdAGi5ZNItzEfM5jJ35ROmaWXHrOlHom5KiDl1a
w4viM+u0F2V4YW1wbGUgPHhAZXhhbXBsZS5uZXQ+iJAEExYIADgWIQQSpZqC7nnh
Y3ebTKsI2gRhMWx74QUCawRSKAIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAK
CRAI2gRhMWx74dwUAQD1ZsLwBxIBPR7yv7bBaA4VQyqLCwAQsRARB/9TXvsUuQEA
nM0RD+ThpWBnq2mGSqp9LGCPfOzT6bkUFDFzB8ABrgw=
=5UwL
-----END PGP PUBLIC KEY BLOCK-----
"""
FINGERPRINT = "12A59A82EE79E163779B4CAB08DA0461316C7BE1"
BINARY = base64.b64decode("".join(KEY.splitlines()[2:-2]))


@pytest.mark.parametrize(
    "content",
    [
        KEY.encode(),
        KEY.replace("\n", "\r\n").encode(),
        KEY.replace("BLOCK-----\n\n", "BLOCK-----\nVersion: GnuPG v2\nComment: x\n\n", 1).encode(),
        # the checksum may be left out (RFC 9580)
        KEY.replace("=5UwL\n", "").encode(),
        BINARY,
    ],
)
def test_fingerprint_is_gnupgs(content: bytes) -> None:
    assert fingerprints(content) == [FINGERPRINT]


def test_several_keys_in_one_file_are_all_told() -> None:
    assert fingerprints(KEY.encode() * 2) == [FINGERPRINT, FINGERPRINT]


def test_the_new_packet_format_is_read_too() -> None:
    body = BINARY[2 : 2 + BINARY[1]]
    assert fingerprints(bytes([0xC0 | 6, len(body)]) + body) == [FINGERPRINT]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>sign in to the network</html>",
        BINARY[:20],
        KEY.encode()[:200],
        b"\xc6\x05\x03abcd",
        b"\xc6\xe1a",
        b"\x9b",
    ],
)
def test_what_is_no_key_has_no_fingerprint(content: bytes) -> None:
    assert fingerprints(content) == []
