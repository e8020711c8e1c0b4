# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509

from lab.k3s_standin import pki
from lab.k3s_standin.server_tls import ServerTls

LEAF = "serving-kube-apiserver"


@pytest.fixture
def tls(tmp_path: Path) -> ServerTls:
    made = ServerTls(tmp_path)
    made.ensure_authorities()
    made.ensure_leaves(["k3s.lab", "192.0.2.1"])
    return made


def _bytes(tls: ServerTls) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in tls.directory.rglob("*") if path.is_file()}


def _reissue(tls: ServerTls, days: int) -> None:
    subject = pki.Subject("kube-apiserver", (), ("server",), ("k3s.lab", "192.0.2.1"))
    pair = pki.issue(tls.authority("server-ca"), subject, days)
    (tls.directory / f"{LEAF}.crt").write_text(pair.certificate)
    (tls.directory / f"{LEAF}.key").write_text(pair.key)


def test_a_second_start_changes_nothing(tls: ServerTls) -> None:
    before = _bytes(tls)
    tls.ensure_authorities()
    tls.ensure_leaves(["k3s.lab", "192.0.2.1"])
    assert _bytes(tls) == before


def test_keys_are_private_and_names_are_upstreams(tls: ServerTls) -> None:
    assert {path.stat().st_mode & 0o777 for path in tls.directory.rglob("*.key")} == {0o600}
    certificate = x509.load_pem_x509_certificate((tls.directory / "server-ca.crt").read_bytes())
    assert certificate.subject.rfc4514_string().startswith("CN=k3s-server-ca@")
    serving = x509.load_pem_x509_certificate((tls.directory / f"{LEAF}.crt").read_bytes())
    assert pki.alternative_names(serving) == ["k3s.lab", "192.0.2.1"]


@pytest.mark.parametrize(("days", "renewed"), [(120, True), (122, False), (365, False), (1, True)])
def test_a_leaf_is_renewed_when_120_days_or_less_are_left(tls: ServerTls, days: int, renewed: bool) -> None:
    _reissue(tls, days)
    before = (tls.directory / f"{LEAF}.crt").read_text()
    tls.ensure_leaves(["k3s.lab", "192.0.2.1"])
    assert ((tls.directory / f"{LEAF}.crt").read_text() != before) is renewed


def test_a_new_name_brings_a_new_certificate(tls: ServerTls) -> None:
    tls.ensure_leaves(["k3s.lab", "192.0.2.1", "other.lab"])
    serving = x509.load_pem_x509_certificate((tls.directory / f"{LEAF}.crt").read_bytes())
    assert "other.lab" in pki.alternative_names(serving)


@pytest.mark.parametrize("damage", ["", "garbage", "other key"])
def test_a_half_written_pair_is_replaced(tls: ServerTls, damage: str) -> None:
    key = tls.directory / f"{LEAF}.key"
    key.write_text(pki.new_key() if damage == "other key" else damage)
    tls.ensure_leaves(["k3s.lab", "192.0.2.1"])
    pki.Pair((tls.directory / f"{LEAF}.crt").read_text(), key.read_text()).loaded()


def test_a_lone_authority_key_is_a_start_that_was_cut_off(tls: ServerTls) -> None:
    (tls.directory / "server-ca.crt").unlink()
    tls.ensure_authorities()
    tls.authority("server-ca").loaded()


def test_leaves_of_a_former_authority_are_replaced(tls: ServerTls) -> None:
    for suffix in ("crt", "key"):
        (tls.directory / f"client-ca.{suffix}").unlink()
    tls.ensure_authorities()
    tls.ensure_leaves(["k3s.lab", "192.0.2.1"])
    chain = x509.load_pem_x509_certificates((tls.directory / "client-admin.crt").read_bytes())
    chain[0].verify_directly_issued_by(chain[1])
    assert chain[1] == x509.load_pem_x509_certificate((tls.directory / "client-ca.crt").read_bytes())


def test_authorities_come_back_from_the_record(tls: ServerTls) -> None:
    contents = tls.authority_files()
    (tls.directory / "server-ca.crt").unlink()
    (tls.directory / "etcd/peer-ca.key").write_text("damaged")
    tls.restore(contents)
    assert tls.authority_files() == contents
