# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation of tokens, keys and certificates on a server that runs, and what ends a start."""

from __future__ import annotations

import base64
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from lab.k3s_standin import bootstrap, build, checks, pki, rest, server_access
from lab.k3s_standin.config import ConfigError
from lab.k3s_standin.paths import Paths

OLD, NEW, AGENT = "old-server-password", "new-server-password", "the-agents-password"
SECRETS = "/api/v1/namespaces/default/secrets"


@dataclass
class Server:
    """A server process below a directory of its own."""

    binary: Path
    root: Path
    port: int
    more: dict[str, Any] = field(default_factory=dict)
    token: str = OLD
    process: subprocess.Popen[str] | None = None

    @property
    def paths(self) -> Paths:
        return Paths(self.root)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def datastore(self) -> Path:
        return self.paths.server / "db/state.db"

    def start(self, **environment: str) -> None:
        config = {
            "token": self.token,
            "agent-token": AGENT,
            "disable-agent": True,
            "node-ip": "127.0.0.1",
            "https-listen-port": self.port,
            **self.more,
        }
        self.paths.config.parent.mkdir(parents=True, exist_ok=True)
        self.paths.config.write_text(yaml.safe_dump(config))
        with (self.root / "log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(self.binary), "server"], env=self.environment(**environment), stderr=log, text=True
            )

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "LAB_K3S_ROOT": str(self.root), **more}

    def ready(self) -> Server:
        until(lambda: self.api().get("/readyz"), f"{self.url}\n{self.log()}")
        return self

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(10)

    def log(self) -> str:
        return (self.root / "log").read_text()

    def api(self) -> rest.Rest:
        certificate = (self.paths.tls / "client-admin.crt", self.paths.tls / "client-admin.key")
        return rest.Rest(self.url, rest.trusting((self.paths.tls / "server-ca.crt").read_text(), certificate))

    def k3s(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(self.binary), *words],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def rows(self) -> str:
        with sqlite3.connect(self.datastore) as database:
            return str(database.execute("SELECT data FROM objects WHERE key='secrets'").fetchall())

    def accepts(self, password: str) -> bool:
        try:
            server_access.connect(self.url, password, self.paths).get("/v1-k3s/encrypt/status")
        except rest.Refused as error:
            return error.status not in (401, 403)
        return True


def until(check: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + 20
    while True:
        try:
            return check()
        except (OSError, rest.Refused) as error:
            if time.monotonic() > end:
                raise AssertionError(what) from error
        time.sleep(0.1)


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bin") / "k3s"
    path.write_bytes(build.build("v1.32.5+k3s1"))
    return path


@pytest.fixture
def server(binary: Path, tmp_path: Path) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    made = Server(binary, tmp_path, port)
    yield made
    made.stop()


def secret(name: str) -> dict[str, Any]:
    data = {"password": base64.b64encode(b"plaintext-to-find").decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}


def value_of(server: Server, name: str) -> bytes:
    return base64.b64decode(server.api().json("GET", f"{SECRETS}/{name}")["data"]["password"])


def test_the_server_token_is_rotated_and_outlives_a_restart_with_the_new_one_only(server: Server) -> None:
    server.start()
    server.ready()
    refused = server.k3s("token", "rotate", "--server", server.url, "--token", "wrong", "--new-token", NEW)
    assert (refused.returncode, refused.stderr) == (1, "Error: not authorized\n")
    done = server.k3s("token", "rotate", "--server", server.url, "--token", OLD, "--new-token", NEW)
    assert done.returncode == 0, done.stderr
    assert (server.accepts(NEW), server.accepts(OLD)) == (True, False)
    assert (server.paths.server / "token").read_text().endswith(f"::server:{NEW}\n")
    assert bootstrap.load(server.datastore, NEW)
    with pytest.raises(bootstrap.BootstrapError):
        bootstrap.load(server.datastore, OLD)
    server.stop()
    server.start()
    assert server.process and server.process.wait(20) == 1
    assert "encrypted with different token" in server.log()
    server.token = NEW
    server.start()
    server.ready()


def test_the_agents_token_administers_nothing(server: Server) -> None:
    server.start()
    server.ready()
    with pytest.raises(rest.Refused) as refused:
        server_access.connect(server.url, AGENT, server.paths).request("PUT", "/v1-k3s/token", {"newToken": NEW})
    assert refused.value.status in (401, 403)
    assert server.accepts(OLD)


def test_secrets_are_sealed_in_the_file_and_read_after_keys_rotated(server: Server) -> None:
    server.more = {"secrets-encryption": True}
    server.start()
    server.ready()
    server.api().json("POST", SECRETS, secret("kept"))
    assert "k8s:enc:aescbc:v1:aescbckey:" in server.rows()
    assert "plaintext-to-find" not in server.rows() and secret("kept")["data"]["password"] not in server.rows()
    before = server.k3s("secrets-encrypt", "status", "--server", server.url)
    assert "Encryption Status: Enabled\nCurrent Rotation Stage: start\n" in before.stdout, before.stderr
    assert server.k3s("secrets-encrypt", "rotate-keys", "--server", server.url).returncode == 0
    after = json.loads(server.k3s("secrets-encrypt", "status", "-o", "json", "--server", server.url).stdout)
    assert (after["stage"], after["hashmatch"], after["inactivekeys"]) == ("reencrypt_finished", True, [])
    assert after["activekey"].startswith("AES-CBC aescbckey-20")
    assert "aescbc:v1:aescbckey:" not in server.rows()
    server.stop()
    # the keys come back from the datastore: the file may be lost
    (server.paths.server / "cred/encryption-config.json").unlink()
    server.start()
    server.ready()
    assert value_of(server, "kept") == b"plaintext-to-find"


def test_disabling_writes_secrets_in_the_clear_again(server: Server) -> None:
    server.more = {"secrets-encryption": True}
    server.start()
    server.ready()
    server.api().json("POST", SECRETS, secret("kept"))
    assert server.k3s("secrets-encrypt", "disable", "--server", server.url).returncode == 0
    assert "k8s:enc:" not in server.rows()
    assert "Encryption Status: Disabled\n" in server.k3s("secrets-encrypt", "status", "--server", server.url).stdout
    assert server.k3s("secrets-encrypt", "enable", "--server", server.url).returncode == 0
    assert "plaintext-to-find" not in server.rows() and "k8s:enc:" in server.rows()


def test_without_encryption_nothing_is_sealed_and_keys_cannot_rotate(server: Server) -> None:
    server.start()
    server.ready()
    server.api().json("POST", SECRETS, secret("kept"))
    assert secret("kept")["data"]["password"] in server.rows()
    status = server.k3s("secrets-encrypt", "status", "--server", server.url)
    assert status.stdout == "Encryption Status: Disabled, no configuration file found\n"
    assert server.k3s("secrets-encrypt", "rotate-keys", "--server", server.url).returncode == 1


def days_left(server: Server) -> int:
    text = (server.paths.tls / "client-admin.crt").read_bytes()
    certificate = x509.load_pem_x509_certificate(text)
    return round((pki.expires(certificate) - pki.begins(certificate)).total_seconds() / 86400)


def test_certificates_rotate_when_k3s_is_stopped_and_are_renewed_near_their_end(server: Server) -> None:
    server.start(LAB_K3S_LEAF_DAYS="100")
    server.ready()
    assert days_left(server) == 100
    table = server.k3s("certificate", "check", "--output", "table").stdout
    assert "WARNING" in table
    refused = server.k3s("certificate", "rotate")
    assert (refused.returncode, "stop it" in refused.stderr) == (1, True)
    server.stop()
    # with 120 days or less left the start renews
    server.start()
    server.ready()
    assert days_left(server) == 365
    server.stop()
    key = (server.paths.tls / "client-admin.key").read_text()
    authority = (server.paths.tls / "server-ca.crt").read_text()
    assert server.k3s("certificate", "rotate", "--service", "nonsense").returncode == 1
    assert server.k3s("certificate", "rotate").returncode == 0
    aside = next(server.paths.server.glob("tls-*"))
    assert (aside / "client-admin.key").read_text() == key
    assert not (server.paths.tls / "client-admin.crt").exists()
    server.start()
    server.ready()
    assert (server.paths.tls / "client-admin.key").read_text() != key
    assert (server.paths.tls / "server-ca.crt").read_text() == authority


def test_kernel_settings_that_differ_are_all_named(tmp_path: Path) -> None:
    for name, value in checks.KERNEL.items():
        file = tmp_path / "proc/sys" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")
    checks.kernel(tmp_path)
    (tmp_path / "proc/sys/kernel/panic").write_text("0\n")
    (tmp_path / "proc/sys/vm/overcommit_memory").write_text("0\n")
    with pytest.raises(ConfigError, match="kernel/panic, expected value: 10, actual value: 0") as refused:
        checks.kernel(tmp_path)
    assert "vm/overcommit_memory" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "mirrors", "refusal"),
    [
        ('mirrors:\n  "*":\n', ["*"], ""),
        ("mirrors: {docker.io: {endpoint: [https://mirror.example.net]}}\n", ["docker.io"], ""),
        ("configs: {}\n", [], ""),
        ("mirror: {}\n", [], "expected mappings mirrors and configs"),
        ("mirrors: {docker.io: {endpoint: [mirror.example.net]}}\n", [], "expected an address"),
        ("- mirrors\n", [], "is no mapping"),
    ],
)
def test_registries_are_read_or_refused(tmp_path: Path, text: str, mirrors: list[str], refusal: str) -> None:
    file = tmp_path / "registries.yaml"
    file.write_text(text)
    if refusal:
        with pytest.raises(ConfigError, match=refusal):
            checks.read_registries(file)
    else:
        assert checks.read_registries(file) == mirrors


def test_files_of_the_api_server_must_be_there_and_of_their_kind(tmp_path: Path) -> None:
    file = tmp_path / "audit.yaml"
    with pytest.raises(ConfigError, match="audit-policy-file"):
        checks.api_server_files([f"audit-policy-file={file}"])
    file.write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n")
    checks.api_server_files([f"audit-policy-file={file}", "audit-log-maxage=30"])
    with pytest.raises(ConfigError, match="expected 'AdmissionConfiguration'"):
        checks.api_server_files([f"admission-control-config-file={file}"])
