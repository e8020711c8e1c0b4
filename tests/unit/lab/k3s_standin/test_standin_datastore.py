# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from lab.k3s_standin import bootstrap, credentials, datastore
from lab.k3s_standin.api.store import ObjectStore
from lab.k3s_standin.config import ConfigError
from lab.k3s_standin.paths import Paths

OBJECT = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept", "namespace": "default"}}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


def _store(file: Path) -> list[str]:
    store = ObjectStore(str(file))
    names = [item["metadata"]["name"] for item in store.list("configmaps")[0]]
    store.close()
    return names


def test_sqlite_is_the_default_and_etcd_stays_etcd(paths: Paths) -> None:
    assert datastore.locate(paths, False, "n") == paths.server / "db/state.db"
    other = Paths(paths.root / "other")
    etcd = datastore.locate(other, True, "n")
    etcd.touch()
    assert datastore.locate(other, False, "n") == etcd == other.server / "db/etcd/member/snap/db"
    assert (other.server / "db/etcd/name").read_text().startswith("n-")


def test_cluster_init_converts_a_sqlite_server(paths: Paths) -> None:
    old = datastore.locate(paths, False, "n")
    store = ObjectStore(str(old))
    store.create("configmaps", OBJECT)
    store.close()
    bootstrap.save(old, "pw", {"a": "b"})
    new = datastore.locate(paths, True, "n")
    assert _store(new) == ["kept"]
    assert bootstrap.load(new, "pw") == {"a": "b"}
    assert not old.exists() and old.with_name("state.db.migrated").exists()


def test_a_conversion_that_was_cut_off_is_done_again(paths: Paths) -> None:
    old = datastore.locate(paths, False, "n")
    store = ObjectStore(str(old))
    store.create("configmaps", OBJECT)
    store.close()
    half = paths.server / "db/etcd/member/snap/db.tmp"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"SQLite format 3\0 and then nothing")
    assert _store(datastore.locate(paths, True, "n")) == ["kept"]


def test_bootstrap_record_opens_with_its_token_only(tmp_path: Path) -> None:
    file = tmp_path / "db"
    assert bootstrap.load(file, "one") is None
    bootstrap.save(file, "one", {"server-ca.key": "private"})
    assert bootstrap.load(file, "one") == {"server-ca.key": "private"}
    with pytest.raises(bootstrap.BootstrapError, match="already found and encrypted with different token"):
        bootstrap.load(file, "two")
    assert b"private" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_tokens_are_written_where_upstream_writes_them(paths: Paths) -> None:
    paths.tls.mkdir(parents=True)
    (paths.tls / "server-ca.crt").write_text("ca")
    credentials.write(paths, credentials.choose(paths, "server-pw", "agent-pw"))
    assert (paths.server / "token").read_text().endswith("::server:server-pw\n")
    assert (paths.server / "node-token").read_text() == (paths.server / "token").read_text()
    assert (paths.server / "agent-token").read_text().endswith("::node:agent-pw\n")
    assert {(paths.server / name).stat().st_mode & 0o777 for name in ("token", "agent-token", "cred/passwd")} == {0o600}


def test_a_generated_token_is_kept_and_serves_agents_too(paths: Paths) -> None:
    paths.tls.mkdir(parents=True)
    (paths.tls / "server-ca.crt").write_text("ca")
    first = credentials.choose(paths, "", "")
    credentials.write(paths, first)
    assert credentials.choose(paths, "", "") == first
    assert (paths.server / "agent-token").resolve() == paths.server / "token"
    credentials.write(paths, credentials.choose(paths, "", "own"))
    assert (paths.server / "token").read_text().endswith(f"::server:{first.server}\n")
    assert (paths.server / "agent-token").read_text().endswith("::node:own\n")


@pytest.mark.parametrize(
    ("user", "password", "role"),
    [
        ("node", "a", "agent"),
        ("", "a", "agent"),
        ("server", "s", "server"),
        ("node", "s", "server"),
        ("server", "a", ""),
        ("node", "x", ""),
        ("admin", "s", ""),
    ],
)
def test_roles_follow_from_user_and_password(user: str, password: str, role: str) -> None:
    assert credentials.Credentials("s", "a").role(user, password) == role


def test_a_token_that_names_a_ca_needs_that_ca(paths: Paths) -> None:
    with pytest.raises(ConfigError, match="there is none yet"):
        credentials.check(paths, f"K10{'0' * 64}::server:pw")
    paths.tls.mkdir(parents=True)
    (paths.tls / "server-ca.crt").write_text("ca")
    with pytest.raises(ConfigError, match="token CA hash does not match"):
        credentials.check(paths, f"K10{'0' * 64}::server:pw")
    credentials.check(paths, "short")
