# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of the stand-in as processes below a directory of their own, over a real etcd."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.command import ROOT
from lab.k3s_standin import rest

PATIENCE = 45.0
TOKEN = "the-servers-token"
ETCD = next((str(each) for each in (ROOT / ".lab/bin", Path("/usr/bin")) if (each / "etcd").exists()), "")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def until(check: Callable[[], Any], what: str) -> Any:
    end, last = time.monotonic() + PATIENCE, None
    while time.monotonic() < end:
        try:
            if last := check():
                return last
        except (OSError, rest.Refused) as error:
            last = error
        time.sleep(0.2)
    raise AssertionError(f"{what}: last seen {last!r}")


@dataclass
class Server:
    """One machine: a folder, an address of its own on the loopback, and maybe a process."""

    binary: Path
    root: Path
    address: str
    etcd: int
    config: dict[str, Any]
    process: subprocess.Popen[str] | None = field(default=None)

    def start(self) -> None:
        folder = self.root / "etc/rancher/k3s"
        folder.mkdir(parents=True, exist_ok=True)
        (self.root / "etc/cni/net.d").mkdir(parents=True, exist_ok=True)
        (self.root / "etc/cni/net.d/05-lab.conflist").write_text("{}")
        (folder / "config.yaml").write_text(yaml.safe_dump(self.config))
        with open(self.root / "log", "a") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(self.binary), "server"], env=self.environment, stderr=log, text=True
            )

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "LAB_K3S_ROOT": str(self.root),
            "LAB_K3S_ETCD": ETCD,
            "LAB_K3S_ETCD_PORT": str(self.etcd),
        }

    @property
    def url(self) -> str:
        return f"https://{self.address}:{self.config['https-listen-port']}"

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(20)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of K3s on this machine."""
        return subprocess.run(
            [sys.executable, str(self.binary), *words],
            env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def log(self) -> str:
        return (self.root / "log").read_text()

    def file(self, name: str) -> Path:
        return self.root / "var/lib/rancher/k3s" / name

    def api(self) -> rest.Rest:
        tls = self.file("server/tls")
        pair = (tls / "client-admin.crt", tls / "client-admin.key")
        return rest.Rest(self.url, rest.trusting((tls / "server-ca.crt").read_text(), pair))

    def get(self, path: str) -> dict[str, Any]:
        return self.api().json("GET", path)

    def ready(self) -> set[str]:
        """Names of the nodes that are Ready, as this server's API has them."""
        return {
            node["metadata"]["name"]
            for node in self.get("/api/v1/nodes")["items"]
            if any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"]["conditions"])
        }

    def write(self, name: str) -> None:
        metadata = {"name": name, "namespace": "default"}
        self.api().json("POST", "/api/v1/namespaces/default/configmaps", {"metadata": metadata, "data": {}})

    def has(self, name: str) -> bool:
        items = self.get("/api/v1/namespaces/default/configmaps")["items"]
        return any(each["metadata"]["name"] == name for each in items)


@dataclass
class Site:
    """All servers of one test."""

    folder: Path
    binary: Path
    servers: list[Server] = field(default_factory=list)

    def add(self, **config: Any) -> Server:
        number = len(self.servers) + 1
        root = self.folder / f"s{number}"
        root.mkdir(parents=True)
        address = f"127.0.{os.getpid() % 200 + 1}.{number}"
        named = {"node-name": f"s{number}", "node-ip": address, "bind-address": "0.0.0.0", "token": TOKEN}
        ports = {"https-listen-port": free_port(), "lb-server-port": free_port()}
        named["kubelet-arg"] = [f"port={free_port()}"]
        server = Server(self.binary, root, address, 20000 + free_port() % 20000, {**named, **ports, **config})
        self.servers.append(server)
        return server

    def found(self) -> Server:
        first = self.add(**{"cluster-init": True})
        first.start()
        until(lambda: first.ready() == {"s1"}, "the first server is Ready")
        return first

    def join(self, other: Server) -> Server:
        server = self.add(server=other.url)
        server.start()
        until(lambda: server.config["node-name"] in other.ready(), f"{server.config['node-name']} is Ready")
        return server
