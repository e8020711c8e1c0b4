# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: decrypt SOPS files in memory, with age, and verify their digest.

Source: getsops/sops, sops.go and aes/cipher.go: each value is AES-256-GCM with its path as additional data; the digest
is SHA-512 over all values in their order.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

SEALED = re.compile(r"^ENC\[AES256_GCM,data:(.*),iv:(.+),tag:(.+),type:(.+)\]$", re.DOTALL)
CONVERT: dict[str, Callable[[bytes], Any]] = {
    "str": bytes.decode,
    "int": int,
    "float": float,
    "bool": lambda data: data in (b"True", b"true"),
    "bytes": bytes,
    "comment": bytes.decode,
}


class SopsError(Exception):
    """Why a file cannot be decrypted; one sentence without its contents."""


def recipients(metadata: Mapping[str, Any]) -> list[str]:
    """The public age keys a file is encrypted to."""
    rows = list(metadata.get("age") or [])
    for group in metadata.get("key_groups") or []:
        rows += (group or {}).get("age") or []
    return [str(row.get("recipient", "")) for row in rows if isinstance(row, dict)]


def sealed_keys(metadata: Mapping[str, Any]) -> list[str]:
    """The data key, as it was encrypted to each recipient."""
    return [str(row.get("enc", "")) for row in metadata.get("age") or [] if isinstance(row, dict)]


def is_sealed(value: object) -> bool:
    """Whether this is an encrypted value."""
    return isinstance(value, str) and SEALED.match(value) is not None


def verify(documents: Sequence[Mapping[str, Any]], unwrap: Callable[[str], bytes | None]) -> None:
    """Decrypt every value of a file's documents and compare the digest; nothing of it is kept."""
    metadata = documents[0]["sops"]
    if metadata.get("key_groups"):
        raise SopsError("it wants several key groups, which cannot be tried here")
    key = next((found for sealed in sealed_keys(metadata) if (found := unwrap(sealed))), None)
    if key is None:
        names = ", ".join(f"{name[:16]}…" for name in recipients(metadata)) or "no age recipient"
        raise SopsError(
            f"the age key does not open it: it is encrypted to {names}; add this key's recipient (sops updatekeys)"
        )
    digest = hashlib.sha512()
    only_sealed = bool(metadata.get("mac_only_encrypted"))
    if only_sealed:
        # so that it never equals one over all values (sops.go, MACOnlyEncryptedInitialization)
        digest.update(hashlib.sha256(b"sops").digest())
    for document in documents:
        for path, value in leaves({name: part for name, part in document.items() if name != "sops"}):
            sealed = is_sealed(value)
            plain = open_value(value, key, ":".join(path) + ":") if sealed else value
            if sealed or not only_sealed:
                digest.update(_bytes(plain))
    stated = open_value(metadata.get("mac"), key, str(metadata.get("lastmodified", "")))
    if stated != digest.hexdigest().upper():
        raise SopsError(
            "its digest (MAC) does not fit its values: somebody edited it without sops; encrypt the original anew"
        )


def leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Values with the path that sops gives them: rows of a list have the path of the list."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, (*path, str(name)))
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, path)
    elif value is not None:
        yield path, value


def open_value(value: object, key: bytes, additional: str) -> Any:
    """One value in clear."""
    # imported here: a repository without encrypted files needs neither
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    match = SEALED.match(value) if isinstance(value, str) else None
    if match is None:
        raise SopsError("its digest (MAC) is missing or cut off; encrypt it anew from the original")
    try:
        data, vector, tag = (base64.b64decode(part, validate=True) for part in match.groups()[:3])
        decryptor = Cipher(algorithms.AES(key), modes.GCM(vector, tag)).decryptor()
        decryptor.authenticate_additional_data(additional.encode())
        return CONVERT[match.group(4)](decryptor.update(data) + decryptor.finalize())
    except (InvalidTag, ValueError, KeyError) as error:
        name = additional.strip(":").replace(":", ".") or "its digest"
        raise SopsError(
            f"the value {name} is damaged, or was copied from another place; encrypt it anew from the original"
        ) from error


def _bytes(value: object) -> bytes:
    if isinstance(value, bool):
        return b"True" if value else b"False"
    if isinstance(value, float):
        # Go's strconv.FormatFloat(value, 'f', -1, 64)
        return (repr(int(value)) if value.is_integer() else repr(value)).encode()
    return value if isinstance(value, bytes) else str(value).encode()
