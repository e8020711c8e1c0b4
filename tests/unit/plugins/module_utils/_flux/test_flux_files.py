# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and tokens in files, and why they cannot be used; with the real ssh-keygen."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pyrage
import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import run_program
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.files import Keys, read_keys
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.git import Access

SSH, HTTPS = "ssh://git@git.example.net/it", "https://git.example.net/it"


def key(path: Path, passphrase: str = "") -> str:
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(argv, check=True)
    return str(path)


def read(access: Access, identity: str = "") -> Keys:
    return read_keys(access, identity, run_program)


def test_a_key_with_its_public_half_and_the_hosts_keys(tmp_path: Path) -> None:
    found = read(Access(SSH, key(tmp_path / "key"), ("git.example.net ssh-ed25519 AAAA",)))
    assert (found.problems, found.age) == ((), None)
    credentials = found.credentials or {}
    assert set(credentials) == {"identity", "identity.pub", "known_hosts"}
    assert credentials["identity.pub"].startswith("ssh-ed25519 ")
    assert credentials["known_hosts"] == "git.example.net ssh-ed25519 AAAA\n"


def test_a_key_with_a_passphrase_is_named(tmp_path: Path) -> None:
    (problem,) = read(Access(SSH, key(tmp_path / "key", "secret"))).problems
    assert "has a passphrase, which nobody types" in problem
    assert "secret" not in problem


def test_a_key_that_others_may_read_is_named(tmp_path: Path) -> None:
    path = Path(key(tmp_path / "key"))
    path.chmod(0o644)
    (problem,) = read(Access(SSH, str(path))).problems
    assert problem == f"the deploy key {path} may be read by others than its owner, which ssh refuses; chmod 600 {path}"


@pytest.mark.parametrize(("content", "sentence"), [
    ("no key\n", "is no private key of SSH"), ("", "is no private key of SSH"),
])  # fmt: skip
def test_a_file_that_is_no_key_is_named(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "key").write_text(content)
    (tmp_path / "key").chmod(0o600)
    (problem,) = read(Access(SSH, str(tmp_path / "key"))).problems
    assert sentence in problem


def test_a_token_and_a_ca(tmp_path: Path) -> None:
    for name, text in (("token", "t0ken\n"), ("ca", "PEM"), ("empty", "\n")):
        (tmp_path / name).write_text(text)
    token, ca = str(tmp_path / "token"), str(tmp_path / "ca")
    found = read(Access(HTTPS, username="flux", token=token, ca=ca))
    assert found.credentials == {"username": "flux", "password": "t0ken", "ca.crt": "PEM"}
    assert read(Access(HTTPS)) == Keys(None, None, 0, ())
    problems = read(Access(HTTPS, token=str(tmp_path / "empty"), ca=str(tmp_path / "none"))).problems
    assert [problem.partition(";")[0] for problem in problems] == [
        f"the token {tmp_path}/empty is empty",
        f"the CA {tmp_path}/none cannot be read (No such file or directory)",
    ]


@pytest.mark.parametrize(("content", "sentence"), [
    ("age1notasecret\n", "holds no age key, expected a line AGE-SECRET-KEY-…"),
    ("AGE-SECRET-KEY-1BROKEN\n", "is damaged"),
])  # fmt: skip
def test_an_age_key_that_is_none(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "age").write_text(content)
    (problem,) = read(Access(HTTPS), str(tmp_path / "age")).problems
    assert sentence in problem
    assert "BROKEN" not in problem


def test_only_the_keys_of_an_age_file_are_taken(tmp_path: Path) -> None:
    one, two = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    (tmp_path / "age").write_text(f"# created today\n# public key: {one.to_public()}\n{one}\n\n{two}\n")
    found = read(Access(HTTPS), str(tmp_path / "age"))
    assert (found.age, found.identities) == (f"{one}\n{two}\n", 2)
