# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`k3s agent`, and the agent inside a server."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from lab.k3s_standin import (
    certificate_rotation,
    checks,
    containerd,
    images,
    kubeconfig,
    kubelet_port,
    log,
    options,
    rest,
    signals,
    tokens,
)
from lab.k3s_standin.config import ConfigError, Settings
from lab.k3s_standin.join import Joined, Joiner, Stopped
from lab.k3s_standin.kubelet import Kubelet
from lab.k3s_standin.load_balancer import LoadBalancer
from lab.k3s_standin.paths import Paths

_LOOK_SECONDS = 10.0


@dataclass(frozen=True)
class Agent:
    """One node's settings and places."""

    settings: Settings
    version: str
    paths: Paths
    node: options.Node
    environment: Mapping[str, str]

    def run(self, url: str, token: str, stop: threading.Event, registered: Callable[[], None]) -> None:
        """Join, register, and keep the node alive until `stop`."""
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        balancer = LoadBalancer(
            self.settings.number("lb-server-port"),
            f"{host}:{parts.port or 443}",
            self.paths.agent / "etc/k3s-agent-load-balancer.json",
        )
        balancer.start()
        try:
            joined = Joiner(url, balancer.url, token, self.node, self.paths, stop).join()
            # A server's own node stays with the API beside it.
            if self.settings.command == "agent":
                balancer.update(joined.servers)
                follow = rest.Rest(balancer.url, rest.trusting(joined.ca, joined.certificate))
                threading.Thread(target=_follow, args=(balancer, follow, stop), daemon=True).start()
            kubeconfig.write_node(self.paths.agent, balancer.url)
            self._prepare(joined)
            kubelet_port.start(self.paths.agent, kubelet_port.port_of(self.settings.list("kubelet-arg")))
            api = rest.Rest(
                balancer.url, rest.trusting(joined.ca, joined.certificate), {"User-Agent": f"kubelet/{self.version}"}
            )
            kubelet = Kubelet(self.node, self.version, self.paths, api, stop, self.environment)
            kubelet.register()
            if not stop.is_set():
                registered()
            kubelet.run()
        except Stopped:
            pass
        finally:
            balancer.stop()

    def _prepare(self, joined: Joined) -> None:
        dns = str(joined.config.get("ClusterDNS") or "10.43.0.10")
        domain = str(joined.config.get("ClusterDomain") or "cluster.local")
        containerd.write(self.paths, self.environment, self.settings.text("default-runtime"), dns.split(","), domain)
        os.makedirs(self.paths.agent / "pod-manifests", exist_ok=True)
        images.bring_in(self.paths)


def _follow(balancer: LoadBalancer, server: rest.Rest, stop: threading.Event) -> None:
    """Servers come and go while this node lives."""
    while not stop.wait(_LOOK_SECONDS):
        with contextlib.suppress(OSError, rest.Refused, ValueError):
            balancer.update(json.loads(server.get("/v1-k3s/apiservers")))


def main(settings: Settings, version: str, environment: Mapping[str, str]) -> None:
    """Run an agent until SIGTERM."""
    options.require_root("agent")
    paths = Paths(data_dir=settings.text("data-dir"))
    url = options.server_url(settings)
    joined_before = (paths.agent / "client-kubelet.crt").exists()
    if not (settings.text("token") or settings.text("token-file") or joined_before):
        raise ConfigError("--token is required")
    if not url:
        raise ConfigError("--server is required")
    checks.settings(settings, paths)
    node = options.node(settings, paths)
    token = options.token(settings)
    if token:
        tokens.parse(token)
    log.info(f"Starting k3s agent {version} (lab stand-in)")
    stop = signals.stop_event()
    with certificate_rotation.hold(paths):
        Agent(settings, version, paths, node, environment).run(url, token, stop, lambda: log.notify("READY=1"))
