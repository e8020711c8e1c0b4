# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the whole build promises, seen from the controller and from each machine."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.twin import Twin

Nodes = dict[str, dict[str, Any]]

WORKERS = ("k3s1", "k3s2", "k3s3")
SERVER = "k3s-master1"
MEMBERS = (SERVER, *WORKERS)
OUTSIDER = "r730"


def unit(machine: str) -> str:
    return "k3s" if machine == SERVER else "k3s-agent"


def test_the_cluster_has_exactly_the_members_of_the_inventory(twin: Twin, nodes: Nodes) -> None:
    assert twin.of_group("k3s_cluster") == sorted(MEMBERS)
    assert sorted(nodes) == sorted(twin.node_name(machine) for machine in MEMBERS)


@pytest.mark.parametrize("machine", MEMBERS)
def test_node_is_ready_at_the_pinned_version_and_address(twin: Twin, nodes: Nodes, machine: str) -> None:
    status = nodes[twin.node_name(machine)]["status"]
    assert {condition["type"]: condition["status"] for condition in status["conditions"]}["Ready"] == "True"
    assert status["nodeInfo"]["kubeletVersion"] == "v1.32.5+k3s1"
    addresses = {address["type"]: address["address"] for address in status["addresses"]}
    assert addresses["InternalIP"] == twin.variables[machine]["homelab_machine"]["address"]


@pytest.mark.parametrize("machine", MEMBERS)
def test_node_has_the_labels_and_taints_of_the_inventory(twin: Twin, nodes: Nodes, machine: str) -> None:
    wanted, node = twin.variables[machine]["homelab_node"], nodes[twin.node_name(machine)]
    labels = node["metadata"]["labels"]
    assert {key: labels.get(key) for key in wanted["labels"]} == wanted["labels"]
    found = [(taint["key"], taint.get("value", ""), taint["effect"]) for taint in node["spec"].get("taints", [])]
    assert sorted(found) == sorted(
        (taint["key"], taint.get("value", ""), taint["effect"]) for taint in wanted["taints"]
    )


def test_only_the_server_is_a_control_plane(nodes: Nodes) -> None:
    role = "node-role.kubernetes.io/control-plane"
    assert [name for name, node in nodes.items() if role in node["metadata"]["labels"]] == [SERVER]


def test_kubectl_lists_the_nodes_from_the_controller(twin: Twin) -> None:
    lines = twin.kubectl("get", "nodes", "--output=wide").splitlines()
    assert lines[0].split()[:5] == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert len(lines) == 1 + len(MEMBERS)
    assert all(re.search(r"\sReady\s.*\sv1\.32\.5\+k3s1\s", line) for line in lines[1:])


def test_the_fetched_kubeconfig_is_private_and_points_at_the_server(twin: Twin) -> None:
    file = twin.site.state / "kubeconfig"
    assert file.stat().st_mode & 0o777 == 0o600
    address = twin.variables[SERVER]["homelab_machine"]["address"]
    clusters = yaml.safe_load(file.read_text())["clusters"]
    assert [cluster["cluster"]["server"] for cluster in clusters] == [f"https://{address}:6443"]


@pytest.mark.parametrize("machine", MEMBERS)
def test_service_runs_and_comes_back_after_a_reboot(twin: Twin, machine: str) -> None:
    host = twin.host(machine)
    service = host.service(unit(machine))
    assert service.is_running, host.check_output("journalctl --no-pager --lines=30 --unit=%s", unit(machine))
    assert service.is_enabled
    assert host.check_output("systemctl show --property=NRestarts --value %s", unit(machine)) == "0"


@pytest.mark.parametrize("machine", MEMBERS)
def test_binary_is_the_one_in_the_lock(twin: Twin, machine: str) -> None:
    lock = json.loads((twin.site.state / "artifacts.lock.json").read_text())
    served = twin.site.state / "mirror/k3s-io/k3s/releases/download/v1.32.5+k3s1/k3s"
    binary = twin.host(machine).file("/usr/local/bin/k3s")
    assert binary.sha256sum == lock["k3s/v1.32.5+k3s1/k3s"]
    assert not served.exists() or binary.sha256sum == hashlib.sha256(served.read_bytes()).hexdigest()
    assert (binary.user, binary.group, binary.mode) == ("root", "root", 0o755)


@pytest.mark.parametrize("machine", MEMBERS)
def test_settings_and_tokens_are_for_root_alone(twin: Twin, machine: str) -> None:
    host = twin.host(machine)
    tokens = ["server-token", "agent-token"] if machine == SERVER else ["token"]
    for name in ("config.yaml", *tokens):
        file = host.file(f"/etc/rancher/k3s/{name}")
        assert file.is_file, file.path
        assert (file.user, file.group, file.mode) == ("root", "root", 0o600), file.path


@pytest.mark.parametrize("machine", MEMBERS)
def test_tokens_are_in_no_argument_list_environment_or_journal(twin: Twin, machine: str) -> None:
    host = twin.host(machine)
    arguments = host.check_output("ps -eww -o args=")
    assert f"/usr/local/bin/k3s {'server' if machine == SERVER else 'agent'}" in arguments
    environments = host.check_output("cat /proc/[0-9]*/environ | tr '\\0' ' '")
    journal = host.check_output("journalctl --no-pager --unit=%s", unit(machine))
    assert unit(machine) in journal
    secrets = yaml.safe_load((twin.site.state / "secrets.yml").read_text())
    assert [name for name, secret in secrets.items() if secret in arguments + environments + journal] == []


def test_the_two_tokens_differ(twin: Twin) -> None:
    host = twin.host(SERVER)
    server, agent = (host.file(f"/etc/rancher/k3s/{name}").content_string for name in ("server-token", "agent-token"))
    assert server.strip() != agent.strip()


def test_the_diagnosis_finds_no_fault_and_names_what_is_not_built(twin: Twin) -> None:
    run = twin.play("playbooks/diagnose.yml", "-e", f"homelab_diagnose_folder={twin.state}/network")
    assert (run.status, run.changed) == (0, False), run.output
    assert "No fault was found." in run.text
    assert "not looked at: the container network (VXLAN, port 4240) and BGP with the router, for" in run.text
    report = json.loads((twin.state / "network/network.json").read_text())
    asked = {entry["port"] for host in report["hosts"] for entry in host["evidence"]["tcp"]}
    assert asked == {22, 6443, 10250}


def test_the_machine_outside_the_cluster_has_no_k3s(twin: Twin) -> None:
    host = twin.host(OUTSIDER)
    assert not host.file("/usr/local/bin/k3s").exists
    assert not host.file("/etc/rancher").exists
    assert not host.file("/var/lib/rancher").exists
    assert host.run("systemctl list-unit-files --no-legend 'k3s*'").stdout == ""
