# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scan finds each kind of secret where it is, in files and in history, never says it, and leaves the rest alone."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pyrage
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from tests.run import secret_scan
from tests.run.secret_kinds import (
    CLIENT_KEY,
    JOIN_TOKEN,
    PRIVATE_KEY,
    PROXMOX,
    SECRET_OBJECT,
    UNREADABLE,
    VARIABLE,
    VAULT,
    findings,
)
from tests.run.secret_scan import Allowed, scan

# Real formats of keys that nothing trusts.
AGE = str(pyrage.x25519.Identity.generate())
SSH = (
    ed25519.Ed25519PrivateKey.generate()
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    .decode()
)
EC = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    .decode()
)
OLD_RSA = EC.replace(" EC ", " RSA ").replace(
    "-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1
)
HEX = "0123456789abcdef" * 4
UUID = "01234567-89ab-cdef-0123-456789abcdef"
ENCODED = base64.b64encode(EC.encode()).decode()
JWT = ".".join(["ey" + "J" + "hbGciOiJSUzI1NiIs" * 2, "ey" + "J" + "pc3MiOiJrdWJlcm5l" * 3, "c2lnbmF0dXJl" * 4])
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"

SEEDED = [
    ("notes.md", f"old key\n{AGE}\n", [(2, "an age identity")]),
    ("notes.md", AGE.lower(), [(1, "an age identity")]),
    ("id", SSH, [(1, PRIVATE_KEY)]),
    ("server.key", "\n\n" + EC, [(3, PRIVATE_KEY)]),
    ("old.pem", OLD_RSA, [(1, PRIVATE_KEY)]),
    ("code.py", f"KEY = {SSH!r}\n", [(1, PRIVATE_KEY)]),
    ("deploy.yml", "key: |\n" + "".join(f"  {line}\n" for line in SSH.splitlines()), [(2, PRIVATE_KEY)]),
    ("log.txt", f"--token K10{HEX}::server:abc", [(1, JOIN_TOKEN)]),
    ("call.sh", f"curl -H 'Authorization: PVEAPIToken=root@pam!homelab={UUID}'", [(1, PROXMOX)]),
    ("vars.yml", f"api_token_secret: {UUID}", [(1, PROXMOX)]),
    ("a.sh", "git clone https://x:ghp_" + "a1" * 18 + "@github.com/a/b", [(1, "a token of GitHub")]),
    ("a.sh", "github_" + "pat_" + "A1b2_" * 16, [(1, "a token of GitHub")]),
    (".netrc", "password glpat-" + "aB3" * 7, [(1, "a token of GitLab")]),
    ("a.env", "AWS_ACCESS_KEY_ID=AKIA" + "A1" * 8, [(1, "an access key of AWS")]),
    ("kubeconfig", f"users:\n- user:\n    token: {JWT}\n", [(3, "a bearer token")]),
    ("kubeconfig", f"    client-key-data: {ENCODED}\n", [(1, CLIENT_KEY)]),
    ("tls.txt", f"tls.key: {ENCODED}\n", [(1, PRIVATE_KEY)]),
    ("inventory/home/group_vars/all/secrets.yml", "a: b\n", [(1, VAULT)]),
    ("group_vars/all/vault.yaml", "---\na: b\n", [(1, VAULT)]),
    ("inventory/secrets.example.yml", f"---\nhomelab_k3s_server_token: {HEX}\n", [(2, VARIABLE)]),
    ("inventory/home/host_vars/a.yml", 'bmc:\n  password: "correct horse"\n', [(2, VARIABLE)]),
    ("apps/a.yaml", f"{SECRET}stringData:\n  password: hunter2\n", [(5, SECRET_OBJECT)]),
    ("apps/a.yaml", f"a: 1\n---\n{SECRET}data: {{p: aHVudGVyMg==}}\n", [(6, SECRET_OBJECT)]),
    ("apps/a.json", '{"kind": "Secret",\n "data": {"p": "aHVudGVyMg=="}}', [(2, SECRET_OBJECT)]),
    (
        "roles/a/tasks/main.yml",
        "- k8s:\n    definition:\n      kind: Secret\n      data:\n        p: x\n",
        [(5, SECRET_OBJECT)],
    ),
    (
        "roles/a/templates/s.yaml.j2",
        f"{{% if a %}}\n{SECRET}data:\n  p: aHVudGVyMg==\n{{% endif %}}",
        [(6, SECRET_OBJECT)],
    ),
    ("apps/a.yaml", f"{SECRET}data: {{p: [\n", [(2, UNREADABLE)]),
]

CLEAN = [
    ("docs/a.md", "AGE-SECRET-KEY-1... is yours; K10<ca hash>::server:<token>; ghp_yours; glpat-yours"),
    ("code.py", 'text.partition("-----BEGIN EC PRIVATE KEY-----")'),
    ("cert.pem", "-----BEGIN CERTIFICATE-----\n" + "QUJD" * 16),
    ("ca.txt", "data: " + base64.b64encode(b"-----BEGIN CERTIFICATE-----\n" + b"QUJD" * 32).decode()),
    ("template.yml", "    client-key-data: {{ key }}\n"),
    ("inventory/home/group_vars/all/secrets.yml", "$ANSIBLE_VAULT;1.1;AES256\n3031\n"),
    ("inventory/home/group_vars/all/secrets.yml", "a: ENC[AES256_GCM,data:x]\nsops:\n  mac: x\n"),
    ("inventory/secrets.example.yml", 'homelab_k3s_server_token: ""\n'),
    ("inventory/home/host_vars/a.yml", "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n"),
    ("inventory/home/group_vars/all/a.yml", "a_token: '{{ b }}'\ntls_secret: main-tls\nage_key_file: ~/.age\n"),
    ("roles/a/tasks/secrets.yml", "- name: No variables here\n"),
    ("apps/a.yaml", f"{SECRET}data:\n  p: ENC[AES256_GCM,data:x]\nsops: {{}}\n"),
    ("apps/a.yaml", f"{SECRET}stringData:\n  p: ${{PASSWORD}}\n  q: ''\n"),
    ("roles/a/tasks/main.yml", "- k8s:\n    definition: {kind: Secret, stringData: {p: '{{ q }}'}}\n"),
    ("apps/a.yaml", "kind: SecretStore\ndata: {a: b}\n---\nkind: ConfigMap\ndata: {a: b}\n"),
]


def names(cases: Sequence[tuple[object, ...]]) -> list[str]:
    """Names of cases that are the same in every process, which keys made for the test are not."""
    return [f"{number}-{case[0]}" for number, case in enumerate(cases)]


@pytest.mark.parametrize(("name", "text", "found"), SEEDED, ids=names(SEEDED))
def test_each_kind_is_found_on_its_line(name: str, text: str, found: list[tuple[int, str]]) -> None:
    assert findings(name, text) == found


@pytest.mark.parametrize(("name", "text"), CLEAN, ids=names(CLEAN))
def test_what_only_looks_like_a_secret_is_left_alone(name: str, text: str) -> None:
    assert findings(name, text) == []


@pytest.mark.parametrize(("name", "text", "found"), SEEDED, ids=names(SEEDED))
def test_no_sentence_repeats_a_secret(name: str, text: str, found: list[tuple[int, str]]) -> None:
    sentences = scan([(name, text)], ())
    assert len(sentences) == len(found)
    said = " ".join(sentences)
    for word in text.split():
        assert len(word) < 24 or word not in said


def test_a_sentence_names_file_and_line() -> None:
    assert scan([("a.txt", "\n" + AGE)], ()) == [
        "a.txt:2: an age identity, expected none in the repository; take it out or encrypt it, "
        "and replace it where it is used if it was ever committed"
    ]
    assert scan([("group_vars/all/secrets.yml", "a: b")], ()) == [
        f"group_vars/all/secrets.yml:1: {VAULT}, expected its first line to say so; "
        "run 'ansible-vault encrypt group_vars/all/secrets.yml'"
    ]


def test_what_is_allowed_is_one_kind_in_one_file() -> None:
    allowed = (Allowed("a.txt", "an age identity", "made up"),)
    assert scan([("a.txt", AGE)], allowed) == []
    assert [line.split(",")[0] for line in scan([("a.txt", AGE), ("b.txt", AGE)], allowed)] == [
        "b.txt:1: an age identity"
    ]
    assert [line.split(",")[0] for line in scan([("a.txt", f"{AGE}\n{EC}")], allowed)] == ["a.txt:2: a private key"]


def test_a_permission_that_nothing_needs_is_an_error() -> None:
    assert scan([("a.txt", "nothing")], (Allowed("a.txt", "an age identity", "made up"),)) == [
        "a.txt: an age identity is allowed and not there any more, expected no permission that nothing needs; "
        "take the entry out of tests/run/secret_scan.py"
    ]


def test_every_permission_says_why() -> None:
    assert all(entry.reason for entry in secret_scan.ALLOWED)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("inventory/*/group_vars/all/secrets.yml\n*.ignored\n")
    (tmp_path / "kept.txt").write_text("nothing\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    commit(tmp_path)
    return tmp_path


def git(root: Path, *argv: str) -> None:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", *who, *argv], cwd=root, check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=x")


def scanned(root: Path) -> list[str]:
    return [line.split(",")[0] for line in scan(list(secret_scan.checkout_texts(root)), ())]


def test_a_clean_checkout_has_no_finding(checkout: Path) -> None:
    assert scanned(checkout) == []
    assert secret_scan.history(checkout, ()) == []


def test_tracked_and_new_files_are_read_and_ignored_ones_are_not(checkout: Path) -> None:
    (checkout / "tracked.txt").write_text(AGE)
    commit(checkout)
    (checkout / "new.txt").write_text(AGE)
    (checkout / "own.ignored").write_text(AGE)
    assert scanned(checkout) == ["new.txt:1: an age identity", "tracked.txt:1: an age identity"]


def test_the_owners_secrets_are_looked_at_though_git_ignores_them(checkout: Path) -> None:
    file = checkout / "inventory/home/group_vars/all/secrets.yml"
    file.parent.mkdir(parents=True)
    file.write_text("homelab_k3s_server_token: x\n")
    assert scanned(checkout) == [f"{file.relative_to(checkout)}:1: {VAULT}"]


def test_history_has_what_a_later_commit_took_out(checkout: Path) -> None:
    (checkout / "kept.txt").write_text(f"nothing\n{AGE}\n")
    commit(checkout)
    git(checkout, "branch", "other")
    (checkout / "kept.txt").write_text("nothing\n")
    commit(checkout)
    git(checkout, "branch", "--delete", "--force", "other")
    assert scanned(checkout) == []
    (sentence,) = secret_scan.history(checkout, ())
    assert sentence.startswith(
        "kept.txt:2: an age identity in git's history, expected none; replace it where it is used"
    )
    blob = sentence.rpartition("--find-object=")[2].strip("'")
    log = ["git", "log", "--all", "--format=%h", f"--find-object={blob}"]
    assert len(subprocess.run(log, cwd=checkout, check=True, capture_output=True, text=True).stdout.split()) == 2


def test_an_unknown_argument_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert secret_scan.main(["--everything"]) == 2
    assert "usage" in capsys.readouterr().err
