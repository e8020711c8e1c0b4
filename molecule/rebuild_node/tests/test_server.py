# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only server, rebuilt from each state it may be found in; its worker is never touched."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator

import pytest

from tests.twin import Run, Twin

REBUILD = "playbooks/rebuild_node.yml"
SERVER = "k3s-master1"


def rebuild(twin: Twin, *more: str) -> Run:
    return twin.play(REBUILD, "-e", f"node={SERVER}", *more)


@pytest.fixture(autouse=True)
def untouched_worker(twin: Twin) -> Iterator[None]:
    """The agent's process is the same one afterwards."""
    before = twin.on("k3s1", "systemctl show -P InvocationID k3s-agent")
    yield
    assert twin.on("k3s1", "systemctl show -P InvocationID k3s-agent") == before


def test_a_healthy_server_needs_nothing(twin: Twin) -> None:
    run = rebuild(twin)
    assert run.status == 0 and not run.changed, run.output[-3000:]
    assert f"{SERVER} is healthy: nothing to do" in run.text


def test_broken_is_repaired_around_its_datastore(twin: Twin) -> None:
    twin.kubectl("create", "configmap", "newer-than-any-backup", "--from-literal=a=b")
    twin.on(
        SERVER,
        "systemctl stop k3s; rm /etc/systemd/system/k3s.service /etc/rancher/k3s/config.yaml; echo > $(command -v k3s)",
    )
    run = rebuild(twin)
    assert run.status == 0, run.output[-3000:]
    assert f"{SERVER} is broken" in run.text and "restore the datastore" not in run.text
    twin.kubectl("delete", "configmap", "newer-than-any-backup")


def test_a_lost_datastore_without_a_backup_is_refused(twin: Twin) -> None:
    shutil.rmtree(twin.state / "backups", ignore_errors=True)
    twin.on(SERVER, "systemctl stop k3s; mv /var/lib/rancher/k3s/server /root/server")
    run = rebuild(twin)
    twin.on(SERVER, "mv /root/server /var/lib/rancher/k3s/server; systemctl start k3s")
    assert run.status != 0 and not run.changed
    assert (
        f"{SERVER} is the only server, its datastore is gone, and this controller has no backup to restore" in run.text
    )


def test_reinstalled_is_restored_from_the_newest_backup(twin: Twin) -> None:
    for _ in range(2):
        assert twin.play("playbooks/back_up_cluster.yml").status == 0
    newest = max(path.name for path in (twin.state / "backups").iterdir())
    twin.reinstall(SERVER)
    run = rebuild(twin)
    assert run.status == 0, run.output[-3000:]
    assert f"{SERVER} is reinstalled" in run.text and f"backups/{newest}" in run.text
    assert "the cluster has all" in run.text
    assert not rebuild(twin).changed


def test_dead_is_waited_for_and_restored(twin: Twin) -> None:
    twin.kill(SERVER)
    process = twin.start(REBUILD, "-e", f"node={SERVER}")
    time.sleep(15)
    assert process.poll() is None, "the playbook did not wait"
    twin.reinstall(SERVER)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-3000:]
    assert "the cluster has all" in " ".join(output.split())
