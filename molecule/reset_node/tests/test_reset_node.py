# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that is reset, and built anew; then workers that go for good, one of them dead."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests import leftovers
from tests.twin import Run, Twin

RESET, REMOVE = "playbooks/reset_node.yml", "playbooks/remove_node.yml"
CONFIRMED = ("-e", "node=k3s1", "-e", "confirm=k3s1")
NO_REBOOT = ("-e", "reset_reboot=false")
BOOT = "cut -d ' ' -f 22 /proc/1/stat"


def reset(twin: Twin, *more: str) -> Run:
    return twin.play(RESET, *CONFIRMED, *more)


def trace(twin: Twin, machine: str = "k3s1") -> str:
    """What a reset would take, as the machine shows it."""
    return twin.on(
        machine,
        "ip -oneline link; ip rule; ip route show table 2004 2>&1; cat /proc/self/mountinfo | cut -d ' ' -f 5;"
        "iptables-save 2>&1 | grep -v '^[#:[]'; systemctl is-active k3s-agent; systemctl is-enabled k3s-agent;"
        "find /sys/fs/bpf /etc/cni /opt/cni /etc/rancher /var/lib/kubelet /var/lib/rancher /usr/local/bin /run/k3s"
        " /run/cilium /var/lib/fletcherlabs-homelab -xdev 2>/dev/null | sort",
    )


@pytest.fixture(scope="session")
def planted(twin: Twin) -> Twin:
    twin.on("k3s1", leftovers.ALL)
    return twin


@pytest.mark.parametrize(
    ("playbook", "arguments", "sentence"),
    [
        (RESET, [], "no node is named, expected a machine of the cluster; say -e node=NAME"),
        (RESET, ["-e", "node=k3s1"], "nothing was confirmed, expected k3s1; say -e confirm=k3s1"),
        (RESET, ["-e", "node=k3s9", "-e", "confirm=k3s9"], "'k3s9' is no machine of the cluster"),
        (RESET, ["-e", "node=k3s1,k3s2", "-e", "confirm=k3s1,k3s2"], "or say -e one_at_a_time=false"),
        (RESET, [*CONFIRMED, "--limit", "k3s2"], "k3s1 is outside the limit"),
        (REMOVE, ["-e", "node=k3s1", "-e", "confirm=k3s2"], "k3s2 was confirmed, expected k3s1; say -e confirm=k3s1"),
        (REMOVE, ["-e", "node=k3s1,k3s2 confirm=k3s1,k3s2 one_at_a_time=false"], "name one after the other."),
    ],
)  # fmt: skip
def test_what_is_meant_has_to_be_said(twin: Twin, playbook: str, arguments: list[str], sentence: str) -> None:
    run = twin.play(playbook, *arguments)
    assert run.status != 0 and sentence in run.text and not run.changed, run.output


@pytest.fixture
def foreign(planted: Twin) -> Iterator[list[str]]:
    """Folders of kubelet that a data disk is mounted on, one of them for good."""
    points = ["/var/lib/kubelet/media", "/var/lib/kubelet/plugins"]
    for point in points:
        planted.on("k3s1", f"mkdir -p {point} && mount --bind /mnt/ssd-1 {point}")
    planted.on("k3s1", f"echo '/mnt/ssd-1 {points[0]} none bind 0 0' >> /etc/fstab")
    yield points
    planted.on("k3s1", f"umount {' '.join(points)}; sed -i '/kubelet/d' /etc/fstab")


def test_foreign_mounts_below_kubelet_are_refused_before_anything_is_touched(planted: Twin, foreign: list[str]) -> None:
    before = trace(planted)
    run = reset(planted)
    assert run.status != 0 and not run.changed
    for path in foreign:
        assert f"{path} is a mount that kubelet did not make (tmpfs none, directory /)" in run.text, run.output
    assert f"/etc/fstab mounts /mnt/ssd-1 at {foreign[0]}, expected no line about" in run.text
    assert trace(planted) == before
    assert "unschedulable" not in planted.get("node", "k3s1")["spec"]


def test_check_mode_shows_every_step_in_order_and_does_none(planted: Twin) -> None:
    before = trace(planted)
    run = reset(planted, "--check", "--diff")
    assert run.status == 0, run.output[-3000:]
    order = [
        "-cilium_host", "-IPv4 priority 100 lookup local", "-IPv4 table 2004", "-iptables-save",
        "-/sys/fs/bpf/tc/globals/cilium_calls_00001", "-k3s-agent.service", "-processes of K3s' containers",
        f"-{leftovers.PODS}/kubernetes.io~projected/token/inner", f"-{leftovers.PODS}/kubernetes.io~projected/token",
        "-cni0", "-/run/k3s", "-/var/lib/kubelet", "-/usr/local/bin/k3s",
    ]  # fmt: skip
    assert list(dict.fromkeys(line for line in run.output.splitlines() if line in order)) == order
    assert trace(planted) == before


def test_reset_takes_k3s_and_cilium_and_leaves_the_rest(planted: Twin) -> None:
    password = planted.on("k3s1", "sha256sum /etc/rancher/node/password")
    run = reset(planted, *NO_REBOOT)
    assert run.status == 0, run.output[-3000:]
    assert "k3s1 has to be rebooted before K3s runs on it again" in run.text

    host = planted.host("k3s1")
    for path, text in leftovers.DATA.items():
        assert host.file(path).exists, path
        assert host.file(path).content_string.strip() == text or not text
    assert planted.on("k3s1", "sha256sum /etc/rancher/node/password") == password
    gone = " ".join(leftovers.GONE)
    assert planted.on("k3s1", f"ls --directory {gone} 2>/dev/null || true") == ""
    kept = "/opt/cni/bin/loopback /sys/fs/bpf/tc/globals/others /var/lib/fletcherlabs-homelab/node_base"
    assert planted.on("k3s1", f"ls --directory {kept}").split() == sorted(kept.split())
    assert planted.on("k3s1", "pgrep --full 'sleep 360[12]' || true") == ""
    assert planted.on("k3s1", "systemctl list-units --all --plain --no-legend 'k3s*'") == ""


def test_network_is_that_of_a_host_without_cilium(planted: Twin) -> None:
    links = planted.on("k3s1", "ls /sys/class/net").split()
    assert "lxcbr0" in links
    assert not {"cilium_host", "cilium_net", "cilium_vxlan", "lxc0123456789ab", "cni0"} & set(links)
    rules = [rule["priority"] for rule in json.loads(planted.on("k3s1", "ip -json rule"))]
    assert rules == [0, 32766, 32767]
    assert planted.on("k3s1", "ip route show table 2004 2>/dev/null || true") == ""
    for tool in ("iptables-save", "ip6tables-save"):
        saved = planted.on("k3s1", tool)
        assert "CILIUM" not in saved and "KUBE-" not in saved
    saved = planted.on("k3s1", "iptables-save")
    assert ":FORWARD DROP" in saved and "--dport 22 -j ACCEPT" in saved


def test_second_run_changes_nothing_and_still_asks_for_the_boot(planted: Twin) -> None:
    again = reset(planted, *NO_REBOOT)
    assert again.status == 0 and not again.changed, again.output
    assert "the host has not booted since" in again.text


def test_the_boot_is_made_up_for_once(planted: Twin) -> None:
    before = planted.on("k3s1", BOOT)
    run = reset(planted)
    assert run.status == 0 and run.changed, run.output[-3000:]
    booted = planted.on("k3s1", BOOT)
    assert booted != before
    again = reset(planted)
    assert again.status == 0 and not again.changed, again.output
    assert planted.on("k3s1", BOOT) == booted


def test_a_reset_node_is_built_anew_as_the_same_node(planted: Twin) -> None:
    before = planted.get("node", "k3s1")["metadata"]["uid"]
    run = planted.play("site.yml", "--limit", "k3s1,k3s-master1")
    assert run.status == 0, run.output[-3000:]
    node = planted.get("node", "k3s1")
    assert node["metadata"]["uid"] == before
    assert {each["type"]: each["status"] for each in node["status"]["conditions"]}["Ready"] == "True"
    assert planted.host("k3s1").service("k3s-agent").is_running


def test_the_last_server_and_its_datastore_are_refused(twin: Twin) -> None:
    server = ("-e", "node=k3s-master1", "-e", "confirm=k3s-master1")
    before = twin.on("k3s-master1", "ls -l /var/lib/rancher/k3s/server; systemctl is-active k3s")
    removal = twin.play(REMOVE, *server)
    assert removal.status != 0 and "k3s-master1 is the only server, expected another one to be left" in removal.text
    kept = twin.play(RESET, *server)
    assert kept.status != 0 and "k3s-master1 holds a server's datastore and keys" in kept.text
    assert not removal.changed and not kept.changed
    assert twin.on("k3s-master1", "ls -l /var/lib/rancher/k3s/server; systemctl is-active k3s") == before


def longhorn(twin: Twin) -> None:
    """The kinds of Longhorn, and a volume whose only healthy replica lies on k3s1."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1beta2", "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
    documents: list[dict[str, object]] = [
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.longhorn.io"},
            "spec": {
                "group": "longhorn.io",
                "scope": "Namespaced",
                "names": {"plural": plural, "kind": kind, "singular": kind.lower()},
                "versions": [version],
            },
        }
        for plural, kind in (("nodes", "Node"), ("replicas", "Replica"))
    ]
    documents.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "longhorn-system"}})
    twin.kubectl("apply", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}))
    twin.kubectl("wait", "--for=condition=Established", "crd/replicas.longhorn.io", "--timeout=20s")
    replica = {
        "apiVersion": "longhorn.io/v1beta2",
        "kind": "Replica",
        "metadata": {"name": "pvc-1-r-1", "namespace": "longhorn-system"},
        "spec": {
            "volumeName": "pvc-1",
            "nodeID": "k3s1",
            "healthyAt": "2026-01-01T00:00:00Z",
            "diskPath": "/mnt/ssd-1",
        },
    }
    twin.kubectl("apply", "--filename=-", stdin=json.dumps(replica))


def assert_forgotten(twin: Twin, machine: str) -> None:
    names = twin.kubectl("get", "nodes", "--output=name").split()
    assert f"node/{machine}" not in names and "node/k3s-master1" in names
    secrets = twin.kubectl("get", "secrets", "--namespace=kube-system", "--output=name")
    assert f"{machine}.node-password.k3s" not in secrets


def test_removal_refuses_to_lose_a_volume_that_is_not_named(twin: Twin) -> None:
    longhorn(twin)
    run = twin.play(REMOVE, *CONFIRMED)
    assert run.status != 0 and "the last healthy replica of pvc-1 lies on k3s1" in run.text, run.output[-3000:]
    assert not run.changed and twin.host("k3s1").service("k3s-agent").is_running


def test_removed_node_is_gone_from_cluster_and_machine(twin: Twin) -> None:
    accepted = ("-e", "accept_lost_volumes=pvc-1")
    run = twin.play(REMOVE, *CONFIRMED, *accepted)
    assert run.status == 0, run.output[-3000:]
    assert "lost with k3s1, as accepted: pvc-1" in run.text
    assert_forgotten(twin, "k3s1")
    assert twin.on("k3s1", "ls -d /etc/rancher /var/lib/kubelet /usr/local/bin/k3s 2>/dev/null || true") == ""
    for path in ("/var/lib/longhorn/longhorn-disk.cfg", "/var/lib/rancher/k3s/storage/pvc-1_default_data/file"):
        assert twin.on("k3s1", f"cat {path}") == leftovers.DATA[path]
    again = twin.play(REMOVE, *CONFIRMED, *accepted)
    assert again.status == 0 and not again.changed, again.output


def test_dead_node_is_removed_too(twin: Twin) -> None:
    twin.kill("k3s2")
    run = twin.play(REMOVE, "-e", "node=k3s2", "-e", "confirm=k3s2")
    assert run.status == 0, run.output[-3000:]
    assert "The machine did not answer: if it ever starts again it still has K3s and a token" in run.text
    assert_forgotten(twin, "k3s2")


def test_server_named_with_its_datastore_is_reset(twin: Twin) -> None:
    name = "k3s-master1"
    run = twin.play(RESET, "-e", f"node={name}", "-e", f"confirm={name}", "-e", f"erase_datastore={name}")
    assert run.status == 0, run.output[-3000:]
    gone = "/var/lib/rancher /etc/rancher/k3s /var/lib/kubelet /etc/systemd/system/k3s.service /usr/local/bin/k3s"
    assert twin.on(name, f"ls --directory {gone} 2>/dev/null || true") == ""
    assert twin.on(name, "pgrep --full 'k3s[ ]server' || true") == ""
    assert twin.host(name).file("/etc/rancher/node/password").exists
