# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots and cluster resets of the stand-in, on real files."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path
from typing import Any

import pytest

from lab.k3s_standin import bootstrap, cluster_reset, cron, datastore, snapshot_file
from lab.k3s_standin.api.http import Request
from lab.k3s_standin.api.identity import RequestIdentity
from lab.k3s_standin.api.store import ObjectStore
from lab.k3s_standin.config import ConfigError
from lab.k3s_standin.paths import Paths
from lab.k3s_standin.server_tls import ServerTls
from lab.k3s_standin.snapshots import Snapshots

ADMIN = RequestIdentity("system:k3s-supervisor", ("system:masters",))


def config_map(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A server's files: authorities, and a datastore that holds the object 'kept'."""
    paths = Paths(tmp_path)
    tls = ServerTls(paths.tls)
    tls.ensure_authorities()
    file = datastore.locate(paths, True, "n1")
    bootstrap.save(file, "password", tls.authority_files())
    store = ObjectStore(str(file))
    store.create("configmaps", config_map("kept"))
    store.close()
    return paths


def snapshots(paths: Paths, store: ObjectStore, etcd: bool = True) -> Snapshots:
    return Snapshots(store.snapshot, paths.server / "db/snapshots", "n1", etcd)


def save(paths: Paths) -> Path:
    store = ObjectStore(str(datastore.locate(paths, False, "n1")))
    row = snapshots(paths, store).save("on-demand")
    store.close()
    return Path(row["location"].removeprefix("file://"))


def names(paths: Paths) -> list[str]:
    store = ObjectStore(str(datastore.locate(paths, False, "n1")))
    found = [item["metadata"]["name"] for item in store.list("configmaps")[0]]
    store.close()
    return found


def ask(made: Snapshots, identity: RequestIdentity = ADMIN, **wish: Any) -> tuple[int, dict[str, Any]]:
    answer = made.answer(Request("POST", "/db/snapshot", body=json.dumps(wish).encode(), identity=identity))
    return answer.code, json.loads(answer.body)


def test_a_snapshot_ends_in_its_digest_and_brings_the_cluster_back(paths: Paths) -> None:
    snapshot = save(paths)
    snapshot_file.verify(snapshot)
    assert snapshot.stat().st_size % 512 == 32
    store = ObjectStore(str(datastore.locate(paths, False, "n1")))
    store.delete("configmaps", "default", "kept")
    store.create("configmaps", config_map("later"))
    store.close()
    before = (paths.tls / "server-ca.crt").read_text()
    (paths.tls / "server-ca.crt").write_text("another")
    cluster_reset.run(paths, "n1", "password", str(snapshot), 0)
    assert names(paths) == ["kept"]
    assert (paths.tls / "server-ca.crt").read_text() == before
    assert list((paths.server / "db").glob("etcd-old-*"))
    assert cluster_reset.flag_file(paths).exists()


def test_a_second_reset_without_a_start_in_between_is_refused(paths: Paths) -> None:
    cluster_reset.run(paths, "n1", "password", "", 0)
    with pytest.raises(ConfigError, match="previously reset"):
        cluster_reset.run(paths, "n1", "password", "", 0)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda content: content[:5000] + b"x" + content[5001:], "expected sha256"),
        (lambda content: content[:-100], "missing hash"),
        (lambda content: b"", "missing hash"),
    ],
)
def test_a_damaged_snapshot_changes_nothing(paths: Paths, damage: Any, sentence: str) -> None:
    snapshot = save(paths)
    snapshot.write_bytes(damage(snapshot.read_bytes()))
    with pytest.raises(ConfigError, match=sentence):
        cluster_reset.run(paths, "n1", "password", str(snapshot), 0)
    assert names(paths) == ["kept"]


def test_another_token_cannot_open_the_snapshot(paths: Paths) -> None:
    with pytest.raises(ConfigError, match="encrypted with different token"):
        cluster_reset.run(paths, "n1", "another", str(save(paths)), 0)


def test_requests_are_answered_for_the_administrator_alone(paths: Paths) -> None:
    store = ObjectStore(str(datastore.locate(paths, False, "n1")))
    made = snapshots(paths, store)
    assert ask(made, RequestIdentity("system:node:k3s1", ("system:nodes",)), operation="save")[0] == 403
    status, saved = ask(made, operation="save", name=["nightly"])
    assert (status, saved["items"][0]["name"].rpartition("-")[0]) == (200, "nightly-n1")
    assert [row["name"] for row in ask(made, operation="list")[1]["items"]] == [saved["items"][0]["name"]]
    assert "snapshot not found: nothing" in ask(made, operation="delete", name=["nothing"])[1]["message"]
    assert ask(made, operation="delete", name=[saved["items"][0]["name"]])[0] == 200
    assert ask(made, operation="list")[1]["items"] == []
    assert "etcd datastore disabled" in ask(snapshots(paths, store, etcd=False), operation="save")[1]["message"]
    store.close()


def test_prune_keeps_the_newest_of_its_own(paths: Paths) -> None:
    folder = paths.server / "db/snapshots"
    folder.mkdir(parents=True)
    for number, name in enumerate(("a-n1-1", "a-n1-2", "a-n1-3", "b-n1-1")):
        (folder / name).touch()

        os.utime(folder / name, (number, number))
    made = Snapshots(lambda _path: None, folder, "n1", True)
    assert [row["name"] for row in made.prune("a", 2)] == ["a-n1-1"]
    assert sorted(path.name for path in folder.iterdir()) == ["a-n1-2", "a-n1-3", "b-n1-1"]


def test_a_full_disk_leaves_no_half_snapshot(paths: Paths) -> None:
    def full(_path: str) -> None:
        raise OSError(28, "No space left on device")

    made = Snapshots(full, paths.server / "db/snapshots", "n1", True)
    status, answer = ask(made, operation="save")
    assert status == 500 and "No space left on device" in answer["message"]
    assert made.all() == []


@pytest.mark.parametrize(
    ("expression", "moment", "due"),
    [
        ("0 */12 * * *", "2025-06-01T12:00", True),
        ("0 */12 * * *", "2025-06-01T13:00", False),
        ("*/5 1-3 * * *", "2025-06-01T02:55", True),
        ("0 0 1 * 1", "2025-06-02T00:00", True),
        ("0 0 1 * 1", "2025-06-03T00:00", False),
        ("@hourly", "2025-06-03T07:00", True),
    ],
)
def test_cron(expression: str, moment: str, due: bool) -> None:
    assert cron.parse(expression)(datetime.datetime.fromisoformat(moment)) is due


@pytest.mark.parametrize("expression", ["", "* * * *", "60 * * * *", "*/0 * * * *", "a * * * *", "5-1 * * * *"])
def test_what_is_no_cron_expression_is_refused(expression: str) -> None:
    with pytest.raises(ConfigError, match="failed to parse cron expression"):
        cron.parse(expression)
