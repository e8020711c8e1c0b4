# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hardening switch, the snapshots' schedule and registries.yaml make of a cluster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from tests.twin import Twin

SERVER, WORKER = "k3s-master1", "k3s1"
NODES = (SERVER, WORKER)
RANCHER = "/var/lib/rancher/k3s"
KERNEL = {
    "vm.panic_on_oom": "0",
    "vm.overcommit_memory": "1",
    "kernel.panic": "10",
    "kernel.panic_on_oops": "1",
    "kernel.keys.root_maxkeys": "1000000",
    "kernel.keys.root_maxbytes": "25000000",
}


def config(twin: Twin, machine: str, name: str) -> dict[str, object]:
    return yaml.safe_load(twin.host(machine).file(f"/etc/rancher/k3s/{name}").content_string)


def test_a_second_build_changes_nothing_and_shows_no_password(twin: Twin) -> None:
    run = twin.play("site.yml", "-vvv", "--diff")
    assert (run.status, run.changed) == (0, False), run.output[-4000:]
    assert "registry-password-of-the-lab" not in run.output


@pytest.mark.parametrize("machine", NODES)
def test_the_kernel_is_as_the_kubelet_expects_it_now_and_after_a_boot(twin: Twin, machine: str) -> None:
    host = twin.host(machine)
    kept = dict(line.split("=") for line in host.check_output("cat /etc/sysctl.d/90-kubelet.conf").splitlines())
    assert {name: host.check_output("sysctl -n %s", name) for name in KERNEL} == KERNEL
    assert kept == KERNEL
    assert config(twin, machine, "config.yaml.d/20-hardening.yaml")["protect-kernel-defaults"] is True


def test_a_kernel_that_differs_ends_the_start_and_the_next_build_mends_it(twin: Twin) -> None:
    host = twin.host(WORKER)
    host.check_output("sysctl -w kernel.panic=0")
    host.run("systemctl restart --no-block k3s-agent")
    host.check_output(
        "timeout 20 bash -c 'until journalctl -u k3s-agent -n 20 | grep -q kernel/panic; do sleep 0.5; done'"
    )
    run = twin.play("playbooks/cluster.yml", "--limit", WORKER)
    assert run.status == 0, run.output[-4000:]
    assert host.check_output("sysctl -n kernel.panic") == "10"
    assert host.service("k3s-agent").is_running


def test_the_api_server_audits_and_judges_pods_with_files_for_root_alone(twin: Twin) -> None:
    arguments = config(twin, SERVER, "config.yaml.d/20-hardening.yaml")["kube-apiserver-arg+"]
    assert isinstance(arguments, list)
    assert f"audit-policy-file={RANCHER}/server/audit.yaml" in arguments
    host = twin.host(SERVER)
    for name in ("audit.yaml", "psa.yaml"):
        file = host.file(f"{RANCHER}/server/{name}")
        assert (file.user, file.mode) == ("root", 0o600)
    logs = host.file(f"{RANCHER}/server/logs")
    assert (logs.is_directory, logs.mode) == (True, 0o700)
    plugins = {
        each["name"]: each["configuration"]
        for each in yaml.safe_load(host.file(f"{RANCHER}/server/psa.yaml").content_string)["plugins"]
    }
    assert plugins["PodSecurity"]["defaults"]["enforce"] == "restricted"
    assert "longhorn-system" in plugins["PodSecurity"]["exemptions"]["namespaces"]
    assert not twin.host(WORKER).file(f"{RANCHER}/server").exists


@pytest.mark.parametrize("machine", NODES)
def test_the_kubelet_has_a_file_of_its_own(twin: Twin, machine: str) -> None:
    text = twin.host(machine).file(f"{RANCHER}/agent/etc/kubelet.conf.d/20-hardening.conf").content_string
    assert yaml.safe_load(text)["streamingConnectionIdleTimeout"] == "5m"


def test_secrets_lie_encrypted_in_the_datastore(twin: Twin) -> None:
    twin.kubectl("create", "secret", "generic", "sealed", "--from-literal=word=plaintext-to-find")
    found = twin.on(SERVER, f"grep -rlaF plaintext-to-find {RANCHER}/server/db || echo nowhere")
    coded = twin.on(SERVER, f"grep -rlaF cGxhaW50ZXh0LXRvLWZpbmQ {RANCHER}/server/db || echo nowhere")
    assert (found, coded) == ("nowhere", "nowhere")
    assert twin.on(SERVER, f"grep -rlaF k8s:enc:aescbc {RANCHER}/server/db") != ""
    assert twin.get("secret", "sealed")["data"]["word"] == "cGxhaW50ZXh0LXRvLWZpbmQ="
    twin.kubectl("delete", "secret", "sealed")


def test_encryption_that_began_cannot_be_dropped(twin: Twin) -> None:
    run = twin.play("playbooks/cluster.yml", "--limit", SERVER, "-e", json.dumps({"homelab_secrets_encryption": False}))
    assert run.status != 0
    assert "k3s-master1 encrypts its Secrets, and the inventory does not ask for it" in run.text
    assert not run.changed


def test_etcd_is_snapshotted_four_times_a_day_for_a_week(twin: Twin) -> None:
    found = config(twin, SERVER, "config.yaml")
    assert (found["etcd-snapshot-schedule-cron"], found["etcd-snapshot-retention"]) == ("0 */6 * * *", 28)
    assert found["embedded-registry"] is True


@pytest.mark.parametrize("machine", NODES)
def test_registries_are_for_root_alone(twin: Twin, machine: str) -> None:
    file = twin.host(machine).file("/etc/rancher/k3s/registries.yaml")
    assert (file.user, file.mode) == ("root", 0o600)
    assert list(yaml.safe_load(file.content_string)["mirrors"]) == ["*"]


def test_an_embedded_registry_without_mirrors_is_refused(twin: Twin) -> None:
    run = twin.play("playbooks/cluster.yml", "--limit", SERVER, "-e", json.dumps({"homelab_registries": {}}))
    assert run.status != 0
    assert "k3s-master1 has embedded-registry, but k3s_common_registries names no mirrors" in run.text
    assert not run.changed
