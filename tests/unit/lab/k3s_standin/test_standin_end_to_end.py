# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server and agents as processes, below a directory of their own, reached as real clients reach them."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.k3s_standin import build, rest

PATIENCE = 20.0
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _until(check: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + PATIENCE
    last: Any = None
    while time.monotonic() < end:
        try:
            last = check()
        except (OSError, rest.Refused) as error:
            last = error
        else:
            if last:
                return last
        time.sleep(0.1)
    raise AssertionError(f"{what}: last seen {last!r}")


@dataclass
class Machine:
    """One node: its directory and the process running there."""

    binary: Path
    root: Path
    command: str
    config: dict[str, Any]
    process: subprocess.Popen[str] | None = field(default=None)

    def start(self) -> None:
        directory = self.root / "etc/rancher/k3s"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "config.yaml").write_text(yaml.safe_dump(self.config))
        environment = {**os.environ, "LAB_K3S_ROOT": str(self.root)}
        with open(self.root / "log", "a") as log:
            argv = [sys.executable, str(self.binary), self.command]
            self.process = subprocess.Popen(argv, env=environment, stderr=log, text=True)

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(10)

    def log(self) -> str:
        return (self.root / "log").read_text()

    def file(self, name: str) -> Path:
        return self.root / "var/lib/rancher/k3s" / name


@dataclass
class Site:
    """A running server, and what is needed to add agents."""

    binary: Path
    folder: Path
    server: Machine
    url: str
    agents: list[Machine] = field(default_factory=list)

    def api(self) -> rest.Rest:
        tls = self.server.file("server/tls")
        ca = (tls / "server-ca.crt").read_text()
        return rest.Rest(self.url, rest.trusting(ca, (tls / "client-admin.crt", tls / "client-admin.key")))

    def agent(self, name: str, **config: Any) -> Machine:
        token = config.pop("token", None) or self.server.file("server/agent-token").read_text().strip()
        ports = {"lb-server-port": _free_port(), "kubelet-arg": [f"port={_free_port()}"]}
        base = {"server": self.url, "node-name": name, "node-ip": "127.0.0.1", **ports}
        machine = Machine(self.binary, self.folder / name, "agent", {**base, "token": token, **config})
        self.agents.append(machine)
        machine.start()
        return machine

    def node(self, name: str) -> dict[str, Any]:
        return self.api().json("GET", f"/api/v1/nodes/{name}")

    def ready(self, name: str) -> str:
        conditions = self.node(name)["status"]["conditions"]
        return next(item["status"] for item in conditions if item["type"] == "Ready")


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("binary") / "k3s"
    path.write_bytes(build.build("v1.32.5+k3s1"))
    return path


@pytest.fixture
def site(binary: Path, tmp_path: Path) -> Iterator[Site]:
    port = _free_port()
    config = {
        "cluster-init": True,
        "node-name": "server",
        "node-ip": "127.0.0.1",
        "https-listen-port": port,
        "lb-server-port": _free_port(),
        "kubelet-arg": [f"port={_free_port()}"],
        "token": "server-password",
        "agent-token": "agent-password",
    }
    server = Machine(binary, tmp_path / "server", "server", config)
    made = Site(binary, tmp_path, server, f"https://127.0.0.1:{port}")
    server.start()
    _until(lambda: made.node("server"), "the server's own node")
    yield made
    for machine in [*made.agents, server]:
        if machine.process and machine.process.poll() is None:
            machine.process.kill()
            machine.process.wait()


def test_an_agent_joins_becomes_ready_and_stops_cleanly(site: Site) -> None:
    agent = site.agent("worker", **{"node-label": ["node-type=compute"], "node-taint": ["a=b:NoSchedule"]})
    node = _until(lambda: site.node("worker"), "the worker's node")
    assert node["metadata"]["labels"]["node-type"] == "compute"
    assert {"key": "a", "value": "b", "effect": "NoSchedule"} in node["spec"]["taints"]
    assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.32.5+k3s1"
    assert "password" not in json.dumps(node["metadata"]["annotations"])
    assert site.ready("worker") == "False"
    lease = _until(lambda: site.api().json("GET", f"{LEASES}/worker"), "the worker's lease")
    assert lease["metadata"]["ownerReferences"][0]["uid"] == node["metadata"]["uid"]
    cni = agent.root / "etc/cni/net.d"
    cni.mkdir(parents=True)
    (cni / "05-lab.conflist").write_text("{}")
    _until(lambda: site.ready("worker") == "True", "a Ready worker")
    roles = _until(
        lambda: [key for key in site.node("server")["metadata"]["labels"] if key.startswith("node-role")], "roles"
    )
    assert len(roles) == 3
    assert agent.stop() == 0
    assert site.server.stop() == 0


def test_labels_count_at_first_registration_only(site: Site) -> None:
    agent = site.agent("worker", **{"node-label": ["color=red"]})
    _until(lambda: site.node("worker"), "the worker's node")
    agent.stop()
    agent.config["node-label"] = ["color=blue", "new=1"]
    agent.start()
    _until(lambda: "previously registered" in agent.log(), "the second registration")
    labels = site.node("worker")["metadata"]["labels"]
    assert labels["color"] == "red" and "new" not in labels


def test_a_lost_node_password_is_rejected_until_the_node_is_deleted(site: Site) -> None:
    agent = site.agent("worker")
    _until(lambda: site.node("worker"), "the worker's node")
    agent.stop()
    (agent.root / "etc/rancher/node/password").unlink()
    agent.start()
    _until(lambda: "Node password rejected, duplicate hostname or contents of" in agent.log(), "the rejection")
    site.api().json("DELETE", "/api/v1/nodes/worker")
    _until(lambda: site.node("worker"), "the worker's new node")


def test_a_killed_server_comes_back_with_everything(site: Site) -> None:
    site.agent("worker")
    before = _until(lambda: site.node("worker"), "the worker's node")["metadata"]["uid"]
    token = site.server.file("server/token").read_text()
    site.server.stop(signal.SIGKILL)
    site.server.start()
    assert _until(lambda: site.node("worker"), "the server's return")["metadata"]["uid"] == before
    assert site.server.file("server/token").read_text() == token


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("K10" + "0" * 64 + "::node:agent-password", "token CA hash does not match the Cluster CA certificate hash"),
        ("wrong-password", "/v1-k3s/config: 401 Unauthorized"),
        ("abcdef.0123456789abcdef", "/v1-k3s/config: 401 Unauthorized"),
    ],
)
def test_agents_with_wrong_tokens_stay_outside(site: Site, token: str, message: str) -> None:
    agent = site.agent("worker", token=token)
    _until(lambda: message in agent.log(), f"the message {message!r}")
    with pytest.raises(rest.Refused, match="404"):
        site.node("worker")


def test_a_bootstrap_token_lets_an_agent_in_until_it_is_deleted(site: Site) -> None:
    environment = {**os.environ, "LAB_K3S_ROOT": str(site.server.root)}

    def token(*words: str) -> str:
        argv = [sys.executable, str(site.binary), "token", *words[:1], "--server", site.url, *words[1:]]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    made = token("create", "--ttl", "1h")
    site.agent("worker", token=made)
    _until(lambda: site.node("worker"), "the worker's node")
    token("delete", made)
    late = site.agent("late", token=made)
    _until(lambda: "401 Unauthorized" in late.log(), "the refusal")


def test_another_server_token_is_refused(site: Site) -> None:
    site.server.stop()
    site.server.config["token"] = "another"
    site.server.start()
    assert site.server.process and site.server.process.wait(PATIENCE) == 1
    assert "bootstrap data already found and encrypted with different token" in site.server.log()


def test_nodes_may_change_only_themselves(site: Site) -> None:
    agent = site.agent("worker")
    _until(lambda: site.node("worker"), "the worker's node")
    pair = agent.file("agent/client-kubelet.crt"), agent.file("agent/client-kubelet.key")
    node = rest.Rest(site.url, rest.trusting(agent.file("agent/server-ca.crt").read_text(), pair))
    patch = ("application/merge-patch+json",)
    node.json("PATCH", "/api/v1/nodes/worker", {"metadata": {"labels": {"x": "1"}}}, *patch)
    for method, path, body in (
        ("PATCH", "/api/v1/nodes/server", {"metadata": {"labels": {"x": "1"}}}),
        ("DELETE", "/api/v1/nodes/worker", None),
        ("POST", "/api/v1/namespaces", {"metadata": {"name": "mine"}}),
    ):
        with pytest.raises(rest.Refused, match="403"):
            node.json(method, path, body, *patch)


def test_nobody_is_served_anonymously_but_the_ca(site: Site) -> None:
    stranger = rest.Rest(site.url, rest.trusting(None))
    assert stranger.get("/cacerts") == site.server.file("server/tls/server-ca.crt").read_bytes()
    for path in ("/healthz", "/version", "/api/v1/nodes", "/v1-k3s/config", "/v1-k3s/client-kubelet.crt"):
        with pytest.raises(rest.Refused, match="401"):
            stranger.get(path)
    password = base64.b64encode(b"node:agent-password").decode()
    config = json.loads(stranger.get("/v1-k3s/config", {"Authorization": f"Basic {password}"}))
    assert config["ClusterDNS"] == "10.43.0.10"


@pytest.mark.parametrize(
    ("command", "config", "message"),
    [
        ("agent", {"server": "https://127.0.0.1:1"}, "--token is required"),
        ("agent", {"token": "x"}, "--server is required"),
        ("agent", {"token": "x", "server": "http://a"}, "only https:// URLs are supported"),
        ("agent", {"token": "x", "server": "https://a", "tokn": "y"}, "flag provided but not defined: -tokn"),
        ("server", {"node-label": ["node-role.kubernetes.io/x=1"]}, "unknown 'kubernetes.io' or 'k8s.io' labels"),
        ("server", {"write-kubeconfig-mode": 384}, "is no octal file mode"),
    ],
)
def test_wrong_configurations_end_the_start(
    binary: Path, tmp_path: Path, command: str, config: dict[str, Any], message: str
) -> None:
    machine = Machine(binary, tmp_path, command, {"node-ip": "127.0.0.1", **config})
    machine.start()
    assert machine.process and machine.process.wait(PATIENCE) == 1
    assert "level=fatal" in machine.log() and message in machine.log()
    assert "Traceback" not in machine.log()
    assert not machine.file("server/tls").exists()
