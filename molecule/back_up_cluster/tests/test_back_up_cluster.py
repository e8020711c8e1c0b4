# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups and restores of one cluster, in the order in which they happen to it."""

from __future__ import annotations

from pathlib import Path

import pyrage
import pytest
import yaml

from tests.twin import Run, Twin

SERVER, WORKER = "k3s-master1", "k3s1"
PASSWORD = f"{WORKER}.node-password.k3s"
LONGHORN = """
apiVersion: v1
kind: Namespace
metadata: {name: longhorn-system}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: nodes.longhorn.io}
spec:
  group: longhorn.io
  scope: Namespaced
  names: {plural: nodes, singular: node, kind: Node}
  versions:
    - name: v1beta2
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
LONGHORN_NODE = """
apiVersion: longhorn.io/v1beta2
kind: Node
metadata: {name: k3s1, namespace: longhorn-system}
spec: {disks: {ssd-1: {path: /mnt/ssd-1, storageReserved: 1}}}
"""
CONFIRMED = ("-e", "confirm=k3s-home")


def back_up(twin: Twin, *more: str) -> Run:
    return twin.play("playbooks/back_up_cluster.yml", *more)


def restore(twin: Twin, *more: str) -> Run:
    return twin.play("playbooks/restore_cluster.yml", *more)


def archives(twin: Twin) -> list[Path]:
    return sorted((twin.state / "backups").glob("*"))


def longhorn_disks(twin: Twin) -> list[str]:
    """Identity and disks of Longhorn's node."""
    node = twin.get("nodes.longhorn.io", WORKER, "--namespace=longhorn-system")
    return [node["metadata"]["uid"], str(node["spec"])]


def invocations(twin: Twin) -> tuple[str, str]:
    """Which starts of K3s run on server and worker."""
    show = "systemctl show -P InvocationID"
    return twin.on(SERVER, f"{show} k3s"), twin.on(WORKER, f"{show} k3s-agent")


def test_check_mode_makes_none(twin: Twin) -> None:
    run = back_up(twin, "--check")
    assert run.status == 0 and run.changed, run.output[-3000:]
    assert archives(twin) == []


def test_a_backup_is_whole_secret_and_kept(twin: Twin) -> None:
    twin.kubectl("create", "configmap", "kept", "--from-literal=a=b")
    twin.kubectl("apply", "-f", "-", stdin=LONGHORN)
    twin.kubectl("wait", "--for=condition=Established", "crd/nodes.longhorn.io", "--timeout=20s")
    twin.kubectl("apply", "-f", "-", stdin=LONGHORN_NODE)
    twin.kubectl("create", "secret", "generic", "kept", "--from-literal=a=very-secret-value")
    run = back_up(twin, "-vv")
    assert run.status == 0, run.output[-3000:]
    (archive,) = archives(twin)
    assert archive.stat().st_mode & 0o777 == 0o600
    assert archive.name.startswith("k3s-home-2") and archive.name.endswith("-v1.32.5+k3s1.tar.age")
    content = archive.read_bytes()
    for secret in yaml.safe_load((twin.state / "secrets.yml").read_text()).values():
        assert secret not in run.output and secret.encode() not in content
    assert b"very-secret-value" not in content
    assert "backup" not in twin.on(SERVER, "ls /var/lib/fletcherlabs-homelab")


def test_the_oldest_go_and_the_newest_stays(twin: Twin) -> None:
    (first,) = archives(twin)
    run = back_up(twin, "-e", "k3s_backup_keep=1")
    assert run.status == 0, run.output[-3000:]
    assert len(archives(twin)) == 1 and first not in archives(twin)


def test_a_full_disk_is_named_and_the_older_backup_stays(twin: Twin) -> None:
    snapshots = "/var/lib/rancher/k3s/server/db/snapshots"
    before = archives(twin)
    twin.on(SERVER, f"mount -t tmpfs -o size=16k none {snapshots}")
    try:
        run = back_up(twin)
        assert run.status != 0
        assert "the etcd snapshot was not made" in run.text and "no space left on device" in run.text.lower()
        assert archives(twin) == before
    finally:
        twin.on(SERVER, f"umount {snapshots}")
    assert twin.get("nodes")["items"]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ((), "confirm is '', expected 'k3s-home'"),
        ((*CONFIRMED, "-e", "backup=/nowhere"), "there is no backup /nowhere"),
        (
            (*CONFIRMED, "-e", "homelab_k3s_server_token=another-token-of-the-servers"),
            "encrypted with another server token than the inventory's",
        ),
    ],
)
def test_refused_before_anything_is_touched(twin: Twin, more: tuple[str, ...], sentence: str) -> None:
    before = invocations(twin)
    run = restore(twin, *more)
    assert run.status != 0 and not run.changed and sentence in run.text, run.output[-3000:]
    assert invocations(twin) == before


def test_another_key_opens_nothing(twin: Twin, tmp_path: Path) -> None:
    before = invocations(twin)
    key = tmp_path / "another.key"
    key.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    run = restore(twin, *CONFIRMED, "-e", f"homelab_backup_identity={key}")
    assert run.status != 0 and "it is damaged, or for another key" in run.text
    assert invocations(twin) == before


def test_without_recipients_there_is_no_backup(twin: Twin) -> None:
    before = archives(twin)
    run = back_up(twin, "-e", '{"homelab_backup_recipients": []}')
    assert run.status != 0 and "homelab_backup_recipients is empty" in run.text and "age-keygen" in run.text
    assert archives(twin) == before


def test_a_corrupt_backup_is_refused_before_anything_is_touched(twin: Twin, tmp_path: Path) -> None:
    before = invocations(twin)
    content = bytearray(archives(twin)[-1].read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "damaged.tar.age"
    damaged.write_bytes(content)
    run = restore(twin, *CONFIRMED, "-e", f"backup={damaged}")
    assert run.status != 0 and "it is damaged, or for another key" in run.text
    assert invocations(twin) == before


def test_restored_by_content_and_the_worker_is_not_touched(twin: Twin) -> None:
    kept, disks = twin.get("secret", "kept")["metadata"]["uid"], longhorn_disks(twin)
    twin.kubectl("delete", "secret", "kept")
    twin.kubectl("delete", "crd", "nodes.longhorn.io")
    twin.kubectl("patch", "configmap", "kept", "--type=merge", "--patch", '{"data": {"a": "altered"}}')
    twin.kubectl("create", "configmap", "made-since", "--from-literal=a=b")
    before = invocations(twin)
    planned = restore(twin, "--check")
    assert planned.status == 0 and not planned.changed
    assert "lost, since it is not in the backup: ConfigMap default/made-since" in planned.text
    run = restore(twin, *CONFIRMED, "-vv")
    assert run.status == 0, run.output[-3000:]
    assert "the cluster has all" in run.text
    for secret in yaml.safe_load((twin.state / "secrets.yml").read_text()).values():
        assert secret not in run.output
    assert twin.get("secret", "kept")["metadata"]["uid"] == kept and longhorn_disks(twin) == disks
    assert twin.get("configmap", "kept")["data"] == {"a": "b"}
    assert "made-since" not in twin.kubectl("get", "configmaps", "--output=name")
    after = invocations(twin)
    assert after[0] != before[0] and after[1] == before[1]
    assert not twin.play().changed


def test_a_worker_that_was_rebuilt_since_the_backup_joins_after_the_restore(twin: Twin) -> None:
    twin.on(WORKER, "echo another-password-of-the-node > /etc/rancher/node/password")
    twin.kubectl("delete", "secret", PASSWORD, "--namespace=kube-system", "--ignore-not-found")
    twin.on(WORKER, "systemctl restart k3s-agent")
    run = restore(twin, *CONFIRMED)
    assert run.status == 0, run.output[-3000:]
    twin.on(WORKER, "timeout 60 systemctl restart k3s-agent")
    twin.kubectl("wait", "--for=condition=Ready", f"node/{WORKER}", "--timeout=60s")
    assert twin.get("secret", PASSWORD, "--namespace=kube-system")["metadata"]["uid"]


def test_sqlite_asks_before_it_is_converted(twin: Twin) -> None:
    found_on_sqlite(twin)
    run = back_up(twin)
    assert run.status == 0, run.output[-3000:]
    before = invocations(twin)
    run = restore(twin, *CONFIRMED, "--limit", SERVER)
    assert run.status != 0 and "say -e k3s_server_convert_sqlite=true" in run.text, run.output[-3000:]
    assert invocations(twin) == before


def found_on_sqlite(twin: Twin) -> None:
    """A new cluster in the server's place, as K3s founds it without further words."""
    twin.on(
        SERVER,
        "systemctl stop k3s; rm -rf /var/lib/rancher/k3s/server; sed -i /cluster-init/d /etc/rancher/k3s/config.yaml",
    )
    twin.on(SERVER, "systemctl start k3s; until k3s kubectl get --raw /readyz; do sleep 1; done")
    twin.on(
        SERVER,
        "test -f /var/lib/rancher/k3s/server/db/state.db && k3s kubectl create configmap kept --from-literal=a=b",
    )


def test_an_sqlite_cluster_is_restored(twin: Twin) -> None:
    uid = twin.on(
        SERVER, "k3s kubectl get configmap kept -o jsonpath={.metadata.uid}; k3s kubectl delete configmap kept >&2"
    )
    run = restore(twin, *CONFIRMED, "-e", "k3s_server_convert_sqlite=true", "--limit", SERVER)
    assert run.status == 0 and "the cluster has all" in run.text, run.output[-3000:]
    assert twin.on(SERVER, "k3s kubectl get configmap kept -o jsonpath={.metadata.uid}") == uid
