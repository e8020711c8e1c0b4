# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers as processes over a real etcd: founded, joined, stopped, removed, restored."""

from __future__ import annotations

import base64
import json
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.k3s_standin import build, rest
from tests.standin_servers import ETCD, PATIENCE, TOKEN, Server, Site, until

pytestmark = pytest.mark.skipif(not ETCD, reason="there is no etcd program; 'python -m lab image' brings one")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    binary = tmp_path / "k3s"
    binary.write_bytes(build.build("v1.32.5+k3s1"))
    made = Site(tmp_path, binary)
    yield made
    for server in made.servers:
        if server.process and server.process.poll() is None:
            server.process.kill()
            server.process.wait()


def members(server: Server) -> dict[str, bool]:
    """Node name -> whether it has a vote."""
    pair = base64.b64encode(f"server:{TOKEN}".encode()).decode()
    ca = (server.file("server/tls/server-ca.crt")).read_text()
    client = rest.Rest(server.url, rest.trusting(ca), {"Authorization": f"Basic {pair}"})
    found = json.loads(client.get("/db/info"))["members"]
    return {each.get("name", "").rpartition("-")[0]: not each.get("isLearner", False) for each in found}


def test_one_server_keeps_its_data_in_etcd(site: Site) -> None:
    first = site.found()
    first.write("kept")
    until(lambda: first.get("/api/v1/nodes/s1")["metadata"].get("finalizers"), "the server looks after its Node")
    node = first.get("/api/v1/nodes/s1")["metadata"]
    assert re.match("^s1-[0-9a-f]{8}$", node["annotations"]["etcd.k3s.cattle.io/node-name"])
    assert node["labels"]["node-role.kubernetes.io/etcd"] == "true"
    assert first.file("server/db/etcd/member/wal").is_dir()
    # what was answered is on disk, and no etcd outlives its server
    first.stop(signal.SIGKILL)
    first.start()
    until(lambda: first.has("kept"), "the object is back")
    saved = first.run("etcd-snapshot", "save", "--etcd-server", first.url, "--name", "mine")
    assert saved.returncode == 0, saved.stderr
    first.write("later")
    assert first.stop() == 0
    snapshot = next(first.file("server/db/snapshots").glob("mine-s1-*"))
    damaged = first.root / "damaged"
    damaged.write_bytes(snapshot.read_bytes()[:-100])
    refused = first.run("server", "--cluster-reset", f"--cluster-reset-restore-path={damaged}")
    assert refused.returncode == 1 and "missing hash" in refused.stderr
    # the authorities come back with the data
    shutil.rmtree(first.file("server/tls"))
    done = first.run("server", "--cluster-reset", f"--cluster-reset-restore-path={snapshot}")
    assert done.returncode == 0 and "restart without --cluster-reset" in done.stderr, done.stderr
    first.start()
    until(lambda: first.has("kept"), "the snapshot's object is back")
    assert not first.has("later")


def test_sqlite_becomes_etcd_and_three(site: Site) -> None:
    first = site.add()
    first.start()
    until(lambda: first.ready() == {"s1"}, "the SQLite server is Ready")
    first.write("kept")
    first.stop()
    assert not first.file("server/db/etcd").exists()
    first.config["cluster-init"] = True
    first.start()
    until(lambda: first.has("kept"), "the object came over")
    assert first.file("server/db/state.db.migrated").exists()
    second = site.join(first)
    assert second.has("kept")


def three(site: Site) -> tuple[Server, Server, Server]:
    first = site.found()
    second, third = site.join(first), site.join(first)
    until(lambda: members(first) == {"s1": True, "s2": True, "s3": True}, "three members vote")
    return first, second, third


def endpoints(server: Server) -> set[str]:
    """Where the Service of the API leads."""
    subsets = server.get("/api/v1/namespaces/default/endpoints/kubernetes")["subsets"]
    return {each["ip"] for subset in subsets for each in subset["addresses"]}


def leader(server: Server) -> str:
    lease = server.get("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/k3s")
    return str(lease["spec"]["holderIdentity"])


def test_three_servers_outlive_one_and_not_two(site: Site) -> None:
    first, second, third = three(site)
    third.write("from-the-third")
    until(lambda: first.has("from-the-third"), "the first server has it")
    until(lambda: endpoints(second) == {first.address, second.address, third.address}, "the Service leads to all")
    # the first is cut off: another leads, and all goes on
    first.stop(signal.SIGKILL)
    until(lambda: second.write("without-the-first") is None, "a write without the first server")
    until(lambda: third.has("without-the-first"), "it is everywhere")
    until(lambda: leader(third) in ("s2", "s3"), "another leads")
    # it comes back without its data: first its member has to go, with its Node
    shutil.rmtree(first.file("server"))
    third.api().request("DELETE", "/api/v1/nodes/s1")
    until(lambda: members(third).keys() == {"s2", "s3"}, "its member went with its Node")
    first.config.pop("cluster-init")
    first.config["server"] = third.url
    first.start()
    until(lambda: "s1" in third.ready(), "the first is back")
    assert first.has("without-the-first")
    until(lambda: all(members(third).values()), "it votes again")
    # a majority lost: neither reads nor writes
    second.stop(signal.SIGKILL)
    third.stop(signal.SIGKILL)
    time.sleep(10)
    with pytest.raises(rest.Refused):
        first.get("/api/v1/nodes")
    second.start()
    until(lambda: first.has("without-the-first"), "two of three answer again")


def test_a_name_that_is_taken_is_refused(site: Site) -> None:
    first = site.found()
    again = site.add(server=first.url)
    again.config["node-name"] = "s1"
    again.start()
    assert again.process and again.process.wait(PATIENCE) == 1
    assert "duplicate node name found" in again.log()
    assert members(first) == {"s1": True}


def test_another_token_and_other_networks_are_refused(site: Site) -> None:
    first = site.found()
    for change, words in (
        ({"token": "another"}, "401"),
        ({"cluster-cidr": "10.99.0.0/16"}, "critical configuration value mismatch between servers: ClusterIPRange"),
        ({"token": f"K10{'0' * 64}::server:{TOKEN}"}, "does not match the Cluster CA"),
    ):
        other = site.add(server=first.url, **change)
        other.start()
        assert other.process and other.process.wait(PATIENCE) == 1
        assert words in other.log()


def test_a_running_server_that_was_removed_ends_and_may_join_again(site: Site) -> None:
    first = site.found()
    second = site.join(first)
    until(lambda: members(first) == {"s1": True, "s2": True}, "two members vote")
    until(lambda: first.get("/api/v1/nodes/s2")["metadata"].get("finalizers"), "the second's Node is looked after")
    first.api().request("DELETE", "/api/v1/nodes/s2")
    assert second.process and second.process.wait(PATIENCE) == 1
    assert "this server has been removed from the cluster" in second.log()
    until(lambda: members(first) == {"s1": True}, "one member is left")
    first.write("alone")
    second.start()
    until(lambda: "s2" in first.ready() and second.has("alone"), "it is back, with the cluster's data")
