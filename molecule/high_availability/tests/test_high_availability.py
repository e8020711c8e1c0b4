# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three servers: any one of them may be lost, the first too, and none founds a second cluster."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from tests.twin import Twin

FIRST, SECOND, THIRD, WORKER = "k3s-master1", "k3s-master1-001", "k3s-master1-002", "k3s1"
PATIENCE = 60.0
# A gratuitous ARP reply to everybody on the segment; without it neighbours keep sending to the machine that is gone.
ANNOUNCE = """
import socket, sys
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
    link.bind(("eth0", 0x0806))
    mac, address = link.getsockname()[4], socket.inet_aton(sys.argv[1])
    head = b"\\xff" * 6 + mac + bytes.fromhex("0806" "0001" "0800" "06" "04" "0002")
    link.send(head + mac + address + b"\\xff" * 6 + address)
"""
ETCDCTL = (
    "cd /var/lib/rancher/k3s/server/tls/etcd && ETCDCTL_API=3 /usr/local/libexec/k3s-standin/etcdctl "
    "--cacert=server-ca.crt --cert=client.crt --key=client.key --endpoints=https://127.0.0.1:2379 "
)


def until(check: Callable[[], bool], what: str) -> None:
    end, last = time.monotonic() + PATIENCE, ""
    while time.monotonic() < end:
        try:
            if check():
                return
            last = "not yet"
        except subprocess.CalledProcessError as error:
            last = error.stderr
        time.sleep(1)
    raise AssertionError(f"{what}: last seen {last}")


def ready(twin: Twin) -> set[str]:
    return {
        node["metadata"]["name"]
        for node in twin.get("nodes")["items"]
        if any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"]["conditions"])
    }


def members(twin: Twin, machine: str) -> set[str]:
    """Node names of etcd's members that have a vote."""
    rows = (line.split(", ") for line in twin.on(machine, f"{ETCDCTL} member list").splitlines())
    return {row[2].rpartition("-")[0] for row in rows if row[1] == "started" and row[5] == "false"}


def move_address(twin: Twin, machine: str) -> None:
    """As kube-vip would: take the address, then tell the neighbours."""
    address = twin.variables[machine]["homelab_api_virtual_address"]
    twin.on(machine, f"ip address replace {address}/32 dev eth0 && python3 -c '{ANNOUNCE}' {address}")


def test_three_servers_by_inventory_alone(twin: Twin) -> None:
    assert ready(twin) == {FIRST, SECOND, THIRD, WORKER}
    control_plane = twin.get("nodes", "--selector=node-role.kubernetes.io/control-plane")["items"]
    assert {node["metadata"]["name"] for node in control_plane} == {FIRST, SECOND, THIRD}
    until(lambda: members(twin, THIRD) == {FIRST, SECOND, THIRD}, "three members vote")
    assert "cluster-init: true" in twin.on(FIRST, "cat /etc/rancher/k3s/config.yaml")
    assert "server: https://198.18.26.40:6443" in twin.on(THIRD, "cat /etc/rancher/k3s/config.yaml")
    assert twin.get("daemonset", "kube-vip", "--namespace=kube-system")["status"]["desiredNumberScheduled"] == 3


def test_a_second_run_changes_nothing(twin: Twin) -> None:
    started = twin.on(FIRST, "systemctl show k3s --property=ExecMainStartTimestamp")
    run = twin.play("playbooks/cluster.yml")
    assert run.status == 0 and not run.changed, run.output[-4000:]
    assert twin.on(FIRST, "systemctl show k3s --property=ExecMainStartTimestamp") == started


def test_the_first_server_is_lost_and_comes_back_into_its_cluster(twin: Twin) -> None:
    cluster = twin.get("namespace", "kube-system")["metadata"]["uid"]
    twin.kill(FIRST)
    move_address(twin, SECOND)
    until(lambda: bool(twin.kubectl("create", "configmap", "without-the-first")), "the API answers through another")
    # longer than a kubelet's lease, shorter than the time after which the lost one is known to be lost
    time.sleep(12)
    assert WORKER in ready(twin)
    servers = twin.on(WORKER, "cat /var/lib/rancher/k3s/agent/etc/k3s-agent-load-balancer.json")
    assert "198.18.26.31:6443" in servers and "198.18.26.32:6443" in servers

    # a worker can be built without it, and nobody founds a cluster
    run = twin.play("playbooks/cluster.yml", "--limit", WORKER)
    assert run.status == 0 and not run.changed, run.output[-4000:]

    twin.reinstall(FIRST)
    run = twin.play("playbooks/hosts.yml", "--limit", FIRST)
    assert run.status == 0, run.output[-4000:]
    run = twin.play("playbooks/cluster.yml", "--limit", FIRST)
    assert run.status != 0 and "the cluster still has its Node k3s-master1 with a member of etcd" in run.text
    assert "active" not in twin.on(FIRST, "systemctl is-active k3s || true").split()

    run = twin.play("playbooks/rebuild_node.yml", "-e", f"node={FIRST}")
    assert run.status == 0, run.output[-4000:]
    until(lambda: ready(twin) == {FIRST, SECOND, THIRD, WORKER}, "all are Ready")
    until(lambda: members(twin, FIRST) == {FIRST, SECOND, THIRD}, "three members vote")
    assert twin.get("namespace", "kube-system")["metadata"]["uid"] == cluster
    assert "cluster-init" not in twin.on(FIRST, "cat /etc/rancher/k3s/config.yaml")
    # the datastore of the cluster it lost, read at the server itself
    assert twin.on(FIRST, "k3s kubectl get configmap without-the-first --output=name") == "configmap/without-the-first"
    run = twin.play("playbooks/cluster.yml")
    assert run.status == 0 and not run.changed, run.output[-4000:]


def test_nothing_is_founded_beside_servers_that_cannot_be_asked(twin: Twin) -> None:
    twin.reinstall(FIRST)
    for machine in (SECOND, THIRD):
        twin.kill(machine)
    run = twin.play("playbooks/cluster.yml", "--limit", FIRST)
    assert run.status != 0
    assert "cannot be reached and no other server has a datastore" in run.text, run.output[-4000:]
    assert twin.on(FIRST, "ls /var/lib/rancher 2>/dev/null | wc -l") == "0"
