# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lab.k3s_standin.api.errors import AlreadyExists, Conflict, Gone, NotFound, Obj
from lab.k3s_standin.api.store import ObjectStore
from lab.k3s_standin.api.watch import HISTORY_EVENTS

# Writes without end and says each revision once it was answered; the test kills it.
WRITER = """
import sys
from lab.k3s_standin.api.store import ObjectStore
store = ObjectStore(sys.argv[1])
number = 0
while True:
    number += 1
    done = store.create("configmaps", {"metadata": {"namespace": "d", "name": f"x{number}"}, "data": {"n": "x" * 500}})
    print(done["metadata"]["resourceVersion"], flush=True)
"""


def _obj(name: str, namespace: str = "d", **metadata: str) -> Obj:
    return {"metadata": {"name": name, "namespace": namespace, **metadata}}


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "state.db")


def test_store_keeps_objects_and_revision_when_opened_again(path: str) -> None:
    store = ObjectStore(path)
    created = store.create("pods", _obj("a"))
    store.close()
    again = ObjectStore(path)
    assert again.get("pods", "d", "a") == created
    assert again.revision == int(created["metadata"]["resourceVersion"])


def test_store_revision_grows_with_each_write_of_any_resource(path: str) -> None:
    store = ObjectStore(path)
    versions = [
        int(store.create(key, _obj("a"))["metadata"]["resourceVersion"]) for key in ("pods", "nodes", "pods.x.io")
    ]
    store.delete("nodes", "d", "a")
    assert versions == sorted(set(versions))
    assert store.revision == versions[-1] + 1


def test_store_refuses_a_second_object_of_the_same_name(path: str) -> None:
    store = ObjectStore(path)
    store.create("pods", _obj("a"))
    with pytest.raises(AlreadyExists):
        store.create("pods", _obj("a"))
    store.create("pods", _obj("a", namespace="other"))


def test_store_refuses_to_overwrite_a_newer_object(path: str) -> None:
    store = ObjectStore(path)
    old = store.create("pods", _obj("a"))
    store.update("pods", old)
    with pytest.raises(Conflict, match="the object has been modified"):
        store.update("pods", old)
    with pytest.raises(Conflict):
        store.delete("pods", "d", "a", old["metadata"]["resourceVersion"])


def test_store_reports_what_is_absent(path: str) -> None:
    store = ObjectStore(path)
    with pytest.raises(NotFound, match='pods "a" not found'):
        store.get("pods", "d", "a")
    with pytest.raises(NotFound):
        store.delete("pods", "d", "a")


def test_store_lists_by_namespace_in_order(path: str) -> None:
    store = ObjectStore(path)
    for namespace, name in (("b", "x"), ("a", "z"), ("a", "y")):
        store.create("pods", _obj(name, namespace))
    store.create("nodes", {"metadata": {"name": "n"}})
    names = [item["metadata"]["name"] for item in store.list("pods")[0]]
    assert names == ["y", "z", "x"]
    assert [item["metadata"]["name"] for item in store.list("pods", "b")[0]] == ["x"]


def test_watch_gives_changes_after_a_revision_in_order(path: str) -> None:
    store = ObjectStore(path)
    first = store.create("pods", _obj("a"))
    since = store.revision
    store.update("pods", first)
    store.create("nodes", {"metadata": {"name": "n"}})
    watch = store.watch("pods", since_rv=since)
    store.delete("pods", "d", "a")
    events = [watch.next(1), watch.next(1)]
    assert [event and event.type for event in events] == ["MODIFIED", "DELETED"]
    assert watch.next(0) is None


def test_watch_of_one_namespace_leaves_others_out(path: str) -> None:
    store = ObjectStore(path)
    watch = store.watch("pods", "a")
    store.create("pods", _obj("x", "b"))
    store.create("pods", _obj("y", "a"))
    event = watch.next(1)
    assert event is not None and event.name == "y"


def test_watch_from_too_long_ago_is_gone(path: str) -> None:
    store = ObjectStore(path)
    obj = store.create("pods", _obj("a"))
    since = store.revision
    for _ in range(HISTORY_EVENTS + 1):
        obj = store.update("pods", obj)
    with pytest.raises(Gone, match="too old resource version"):
        store.watch("pods", since_rv=since)


def test_watch_from_before_a_restart_or_from_the_future_is_gone(path: str) -> None:
    store = ObjectStore(path)
    store.create("pods", _obj("a"))
    store.create("pods", _obj("b"))
    store.close()
    again = ObjectStore(path)
    for since in (again.revision - 1, again.revision + 5):
        with pytest.raises(Gone):
            again.watch("pods", since_rv=since)
    again.watch("pods", since_rv=again.revision)


def test_close_ends_a_waiting_watch(path: str) -> None:
    store = ObjectStore(path)
    watch = store.watch("pods")
    threading.Timer(0.1, store.close).start()
    assert list(watch) == []


def test_snapshot_is_a_complete_store_of_its_own(path: str, tmp_path: Path) -> None:
    store = ObjectStore(path)
    store.create("pods", _obj("a"))
    store.snapshot(str(tmp_path / "copy.db"))
    store.create("pods", _obj("b"))
    copy = ObjectStore(str(tmp_path / "copy.db"))
    assert [item["metadata"]["name"] for item in copy.list("pods")[0]] == ["a"]


def test_answered_writes_survive_sigkill(path: str) -> None:
    for delay in (0.15, 0.3, 0.5):
        Path(path).unlink(missing_ok=True)
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, cwd=Path.cwd())
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(delay)
        os.kill(writer.pid, signal.SIGKILL)
        answered = [int(line) for line in [first, *writer.stdout] if line.endswith(b"\n")]
        writer.wait()
        writer.stdout.close()
        store = ObjectStore(path)
        stored = {int(item["metadata"]["resourceVersion"]) for item in store.list("configmaps")[0]}
        store.close()
        assert set(answered) <= stored
        assert store.revision == max(stored)
        for leftover in (f"{path}-wal", f"{path}-shm"):
            Path(leftover).unlink(missing_ok=True)


def test_store_file_is_plain_sqlite_with_json(path: str) -> None:
    store = ObjectStore(path)
    store.create("pods", _obj("a"))
    row = sqlite3.connect(path).execute("SELECT key, namespace, name, data FROM objects").fetchone()
    assert row[:3] == ("pods", "d", "a")
    assert json.loads(row[3])["metadata"]["resourceVersion"] == str(store.revision)
