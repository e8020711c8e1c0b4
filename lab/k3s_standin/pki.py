# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates: elliptic-curve authorities for ten years, leaves for one (fact A16)."""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3652
LEAF_DAYS = 365
_USAGES = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, both PEM."""

    certificate: str
    key: str

    def loaded(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """Parse both; ValueError when they are damaged or do not belong together."""
        certificate = x509.load_pem_x509_certificate(self.certificate.encode())
        key = serialization.load_pem_private_key(self.key.encode(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or _public(key.public_key()) != _public(
            certificate.public_key()
        ):
            raise ValueError("the key does not belong to the certificate")
        return certificate, key


@dataclass(frozen=True)
class Subject:
    """Whom a leaf names, and what it may be used for."""

    common_name: str
    organizations: tuple[str, ...] = ()
    usages: tuple[str, ...] = ("client",)
    names: tuple[str, ...] = ()


def new_authority(common_name: str) -> Pair:
    """Create a self-signed authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    usage = x509.KeyUsage(True, False, True, False, False, True, False, False, False)
    builder = (
        _builder(name, name, key.public_key(), AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def issue(authority: Pair, subject: Subject, days: int | None = None) -> Pair:
    """Issue a leaf with a new key; the certificate is followed by its authority's, as K3s' files are.

    LAB_K3S_LEAF_DAYS lets tests have certificates that are near their end.
    """
    days = days or int(os.environ.get("LAB_K3S_LEAF_DAYS") or LEAF_DAYS)
    issuer, issuer_key = authority.loaded()
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in subject.organizations]
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, subject.common_name))
    usage = x509.KeyUsage(True, False, True, False, False, False, False, False, False)
    builder = (
        _builder(x509.Name(attributes), issuer.subject, key.public_key(), days)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([_USAGES[name] for name in subject.usages]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if subject.names:
        builder = builder.add_extension(x509.SubjectAlternativeName(_alternatives(subject.names)), critical=False)
    pair = _pair(builder.sign(issuer_key, hashes.SHA256()), key)
    return Pair(pair.certificate + authority.certificate, pair.key)


def serves(pair: Pair, authority: Pair, subject: Subject, days_left: int) -> bool:
    """Whether a leaf on disk is whole, of this authority, for this subject and good for longer than `days_left`."""
    try:
        certificate, _ = pair.loaded()
        issuer, _ = authority.loaded()
    except ValueError:
        return False
    extension = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    expected = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]
    return (
        extension.value.key_identifier == expected.key_identifier
        and set(subject.names) <= set(alternative_names(certificate))
        and expires(certificate) - _now() > datetime.timedelta(days=days_left)
    )


def alternative_names(certificate: x509.Certificate) -> list[str]:
    """The names and addresses a certificate is good for."""
    try:
        value = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in value]


def expires(certificate: x509.Certificate) -> datetime.datetime:
    """When a certificate ends, with its time zone (Debian 12 and older libraries return none)."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc
    return certificate.not_valid_after.replace(tzinfo=datetime.UTC)


def begins(certificate: x509.Certificate) -> datetime.datetime:
    """When a certificate begins."""
    if hasattr(certificate, "not_valid_before_utc"):
        return certificate.not_valid_before_utc
    return certificate.not_valid_before.replace(tzinfo=datetime.UTC)


def new_key() -> str:
    """A private key alone, PEM."""
    return _key_text(ec.generate_private_key(ec.SECP256R1()))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    # Five minutes of tolerance for clocks that differ between nodes.
    start = _now() - datetime.timedelta(minutes=5)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(_now() + datetime.timedelta(days=days))
    )


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in dict.fromkeys(names):
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(certificate.public_bytes(serialization.Encoding.PEM).decode(), _key_text(key))


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


def _public(key: object) -> bytes:
    return key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
