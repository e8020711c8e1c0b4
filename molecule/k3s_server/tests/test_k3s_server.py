# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true of a server."""

from __future__ import annotations

import json
from typing import Any

import pytest

SECRETS = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210")
TOKEN_FILES = ("/etc/rancher/k3s/server-token", "/etc/rancher/k3s/agent-token")


def kubectl(host: Any, arguments: str) -> Any:
    return json.loads(host.check_output(f"k3s kubectl {arguments} -o json"))


def test_service_runs_and_starts_at_boot(host: Any) -> None:
    service = host.service("k3s")
    assert service.is_running, host.run("journalctl -u k3s -n 30 --no-pager").stdout
    assert service.is_enabled


@pytest.mark.parametrize("path", ["/etc/rancher/k3s/config.yaml", "/etc/rancher/k3s/k3s.yaml", *TOKEN_FILES])
def test_files_with_secrets_are_for_root_alone(host: Any, path: str) -> None:
    file = host.file(path)
    assert (file.mode, file.user, file.group) == (0o600, "root", "root")


def test_tokens_are_nowhere_but_in_their_files(host: Any) -> None:
    seen = host.run("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'").stdout
    seen += host.check_output("journalctl --no-pager -o cat")
    seen += host.check_output("cat /etc/rancher/k3s/config.yaml /etc/systemd/system/k3s.service")
    assert [secret for secret in SECRETS if secret in seen] == []


def test_options_are_in_the_configuration_and_not_in_the_unit(host: Any) -> None:
    unit = host.file("/etc/systemd/system/k3s.service").content_string
    assert "\nExecStart=/usr/local/bin/k3s server\n" in unit
    config = host.file("/etc/rancher/k3s/config.yaml").content_string
    wanted = {"cluster-init: true", "disable-kube-proxy: true", "disable-network-policy: true", "flannel-backend: none"}
    assert wanted <= set(config.splitlines())


def test_datastore_is_embedded_etcd(host: Any) -> None:
    assert host.file("/var/lib/rancher/k3s/server/db/etcd").is_directory
    assert not host.file("/var/lib/rancher/k3s/server/db/state.db").exists


def test_node_registered_with_its_labels_and_taints(host: Any) -> None:
    node = kubectl(host, "get node k3s-master1")
    assert node["metadata"]["labels"]["node-type"] == "control"
    assert {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"} in node["spec"]["taints"]
    assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.32.5+k3s1"


def test_packaged_network_components_are_not_deployed(host: Any) -> None:
    names = {item["metadata"]["name"] for item in kubectl(host, "get deployments,daemonsets -A")["items"]}
    assert not names & {"traefik", "svclb-traefik", "kube-flannel-ds", "kube-proxy"}
