# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker, rebuilt from each state it may be found in."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from tests.twin import Run, Twin

REBUILD = "playbooks/rebuild_node.yml"
DATA = "/var/lib/longhorn/volume"


def rebuild(twin: Twin, *more: str) -> Run:
    return twin.play(REBUILD, "-e", "node=k3s1", *more)


def node(twin: Twin) -> dict[str, object]:
    return twin.get("node", "k3s1")["metadata"]


@pytest.fixture(autouse=True)
def same_node(twin: Twin) -> object:
    """The Node object stays, with its labels: Longhorn hangs on it (upstream fact C9)."""
    before = node(twin)
    yield
    after = node(twin)
    assert after["uid"] == before["uid"]
    wanted = twin.variables["k3s1"]["homelab_node"]["labels"]
    assert {key: after["labels"].get(key) for key in wanted} == wanted


def test_a_healthy_node_needs_nothing(twin: Twin) -> None:
    run = rebuild(twin)
    assert run.status == 0 and not run.changed, run.output[-3000:]
    assert "k3s1 is healthy: nothing to do; -e force=true rebuilds it all the same" in run.text


def test_no_name_and_a_wrong_name_are_one_sentence(twin: Twin) -> None:
    assert "no node is named, expected one machine of the cluster" in twin.play(REBUILD).text
    run = twin.play(REBUILD, "-e", "node=r730")
    assert run.status != 0 and "node is 'r730', expected one machine of the cluster" in run.text


def test_broken(twin: Twin) -> None:
    twin.on("k3s1", f"mkdir -p {DATA} && echo data > {DATA}/file")
    twin.on("k3s1", "systemctl stop k3s-agent; echo nonsense > /etc/rancher/k3s/config.yaml; echo > /usr/local/bin/k3s")
    planned = rebuild(twin, "--check")
    assert planned.status == 0 and not planned.changed and "k3s1: remove K3s from it" in planned.text, planned.output
    assert twin.on("k3s1", "cat /etc/rancher/k3s/config.yaml") == "nonsense"
    run = rebuild(twin)
    assert run.status == 0, run.output[-3000:]
    assert twin.on("k3s1", f"cat {DATA}/file") == "data"
    assert not rebuild(twin).changed


def test_reinstalled_machine_is_let_in_by_its_new_host_key(twin: Twin, tmp_path: Path) -> None:
    known = twin.state / "known_hosts"
    shutil.copy(known, tmp_path)
    twin.reinstall("k3s1")
    shutil.copy(tmp_path / "known_hosts", known)
    refused = rebuild(twin)
    assert refused.status != 0 and "as a machine does that was installed anew, and an impostor too" in refused.text
    key = refused.text.partition("-e host_key=")[2].split()[0].rstrip('.",}')
    assert "SHA256:wrong" not in key
    assert rebuild(twin, "-e", "host_key=SHA256:wrong").status != 0
    run = rebuild(twin, "-e", f"host_key={key}")
    assert run.status == 0, run.output[-3000:]
    assert "k3s1 is reinstalled" in run.text


def test_dead_machine_is_waited_for(twin: Twin) -> None:
    twin.kill("k3s1")
    process = twin.start(REBUILD, "-e", "node=k3s1")
    time.sleep(15)
    assert process.poll() is None, "the playbook did not wait"
    twin.reinstall("k3s1")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-3000:]
    assert "k3s1 does not answer at 198.18.21.21. Boot it, or install ubuntu-22.04 on it" in " ".join(output.split())


def test_a_server_unit_on_a_worker_is_refused(twin: Twin) -> None:
    twin.on("k3s1", "cp /etc/systemd/system/k3s-agent.service /etc/systemd/system/k3s.service")
    run = rebuild(twin, "-e", "force=true")
    assert run.status != 0 and not run.changed
    assert "k3s1 has k3s.service, but the inventory wants it as agent" in run.text
    twin.on("k3s1", "rm /etc/systemd/system/k3s.service; systemctl daemon-reload")


def test_a_budget_that_never_allows_stops_before_anything_is_removed(twin: Twin) -> None:
    labels = {"app": "held"}
    replicas = {"replicas": 1, "selector": {"matchLabels": labels}}
    pod = {"spec": {"nodeName": "k3s1", "containers": [{"name": "c", "image": "i"}]}, "metadata": {"labels": labels}}
    items = [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "held"},
            "spec": replicas | {"template": pod},
        },
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "held"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}},
        },
    ]
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    twin.kubectl("apply", "-f", "-", stdin=document)
    twin.kubectl("rollout", "status", "deployment/held", "--timeout=60s")
    try:
        run = rebuild(twin, "-e", "force=true", "-e", "drain_timeout=5")
        assert run.status != 0
        assert "k3s1 was not empty after 5 s, since pods may not be evicted (default/held-" in run.text
        assert "give their PodDisruptionBudget a replica to spare, or remove it" in run.text
        assert twin.on("k3s1", "systemctl is-active k3s-agent") == "active"
    finally:
        twin.kubectl("delete", "-f", "-", stdin=document)


def test_a_mount_that_kubelet_did_not_make_stops_before_anything_is_done(twin: Twin) -> None:
    twin.on("k3s1", "mkdir -p /mnt/media /var/lib/kubelet/media && mount --bind /mnt/media /var/lib/kubelet/media")
    try:
        run = rebuild(twin, "-e", "force=true")
        assert run.status != 0 and not run.changed, run.output[-3000:]
        assert "/var/lib/kubelet/media is a mount that kubelet did not make" in run.text
        assert twin.on("k3s1", "systemctl is-active k3s-agent") == "active"
    finally:
        twin.on("k3s1", "umount /var/lib/kubelet/media && rmdir /var/lib/kubelet/media")
