# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true of a worker and of the server it joined."""

from __future__ import annotations

import json
from typing import Any

import pytest

SERVER_PASSWORD = "0123456789abcdef0123456789abcdef"
AGENT_PASSWORD = "fedcba9876543210fedcba9876543210"


@pytest.fixture
def on_worker(host: Any) -> Any:
    if host.check_output("hostname") != "k3s1":
        pytest.skip("only for the worker")
    return host


@pytest.fixture
def on_server(host: Any) -> Any:
    if host.check_output("hostname") != "k3s-master1":
        pytest.skip("only for the server")
    return host


def test_worker_runs_an_agent_and_no_server(on_worker: Any) -> None:
    service = on_worker.service("k3s-agent")
    assert service.is_running, on_worker.run("journalctl -u k3s-agent -n 30 --no-pager").stdout
    assert service.is_enabled
    assert not on_worker.file("/etc/systemd/system/k3s.service").exists


def test_worker_holds_the_agents_token_in_its_secure_form_and_never_the_servers(on_worker: Any) -> None:
    file = on_worker.file("/etc/rancher/k3s/token")
    assert file.mode == 0o600
    head, _separator, tail = file.content_string.strip().partition("::")
    assert head.startswith("K10") and len(head) == 67
    assert tail == f"node:{AGENT_PASSWORD}"
    assert on_worker.run(f"grep -rqs {SERVER_PASSWORD} /etc /var/lib/rancher /var/lib/fletcherlabs-homelab").rc == 1


def test_no_token_in_argument_lists_environments_or_journal(on_worker: Any) -> None:
    seen = on_worker.run("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'").stdout
    seen += on_worker.check_output("journalctl --no-pager -o cat")
    assert AGENT_PASSWORD not in seen


def test_node_registered_with_its_own_name_labels_and_taints_and_is_ready(on_server: Any) -> None:
    node = json.loads(on_server.check_output("k3s kubectl get node worker-one -o json"))
    assert node["metadata"]["labels"]["workload"] == "light"
    assert {"key": "gpu", "value": "nvidia", "effect": "NoSchedule"} in node["spec"]["taints"]
    conditions = {item["type"]: item["status"] for item in node["status"]["conditions"]}
    assert conditions["Ready"] == "True"
