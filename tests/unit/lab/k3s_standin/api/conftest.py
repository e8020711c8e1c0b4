# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running API server with its own certificate authority, and clients for it."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import kubernetes
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from kubernetes import config

from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.identity import Attributes, RequestIdentity, User
from lab.k3s_standin.api.server import ApiServer
from lab.k3s_standin.api.store import ObjectStore

VERSION = "v1.32.5+k3s1"


@dataclass(frozen=True)
class Cluster:
    """A server and what a client needs to reach it."""

    server: ApiServer
    folder: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server.port}"

    @property
    def client(self) -> Client:
        return self.server.client()

    def kubeconfig(self, user: str) -> str:
        """Write a kubeconfig for one of the certificates (admin, viewer)."""
        path = self.folder / f"{user}.yaml"
        path.write_text(
            f"""apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "{self.url}", certificate-authority: {self.folder}/ca.crt}}}}]
users: [{{name: u, user: {{client-certificate: {self.folder}/{user}.crt, client-key: {self.folder}/{user}.key}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""
        )
        return str(path)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate authority, a server certificate, and clients admin and viewer."""
    folder = tmp_path_factory.mktemp("certificates")
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _name("test-ca")
    ca = _certificate(authority, authority_key, authority, authority_key, ca=True)
    (folder / "ca.crt").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    for file, subject in (
        ("server", _name("k3s")),
        ("admin", _name("system:admin", "system:masters")),
        ("viewer", _name("visitor", "visitors")),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(subject, key, authority, authority_key)
        (folder / f"{file}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (folder / f"{file}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    return folder


@pytest.fixture
def cluster(certificates: Path, tmp_path: Path) -> Iterator[Cluster]:
    """A fresh server; masters may do everything, visitors may read all but Secrets, nobody else gets in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    context.load_verify_locations(certificates / "ca.crt")
    context.verify_mode = ssl.CERT_OPTIONAL
    store = ObjectStore(str(tmp_path / "state.db"))
    server = ApiServer(
        store,
        VERSION,
        _authenticate,
        _authorize,
        context,
        "127.0.0.1",
        0,
        issue_token=lambda account, review: (f"token-of-{account['metadata']['name']}", 3600),
    )
    server.start()
    yield Cluster(server, certificates)
    server.stop()
    store.close()


def _authenticate(identity: RequestIdentity) -> User | None:
    if identity.bearer == "letmein":
        return User("robot", ("system:masters",))
    return User(identity.common_name, identity.organizations) if identity.common_name else None


def _authorize(user: User, verb: str, resource: str, attributes: Attributes) -> bool:
    return "system:masters" in user.groups or (verb in ("get", "list", "watch") and resource != "secrets")


def _name(common_name: str, organization: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    ca: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if ca:
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    else:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        builder = builder.add_extension(names, critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


@pytest.fixture
def api(cluster: Any) -> Iterator[Any]:
    with config.new_client_from_config(cluster.kubeconfig("admin")) as made:
        yield made


@pytest.fixture
def core(api: Any) -> Any:
    return kubernetes.client.CoreV1Api(api)
