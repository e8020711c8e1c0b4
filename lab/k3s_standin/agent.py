# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`k3s agent`, and the agent inside a server."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from lab.k3s_standin import containerd, kubeconfig, log, options, rest, tokens
from lab.k3s_standin.config import ConfigError, Settings
from lab.k3s_standin.join import Joined, Joiner, Stopped
from lab.k3s_standin.kubelet import Kubelet
from lab.k3s_standin.load_balancer import LoadBalancer
from lab.k3s_standin.paths import Paths


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
    node = options.node(settings, paths)
    token = options.token(settings)
    if token:
        tokens.parse(token)
    log.info(f"Starting k3s agent {version} (lab stand-in)")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(settings, paths, node, url, token, version, stop, environment, lambda: log.notify("READY=1"))


def run(
    settings: Settings,
    paths: Paths,
    node: options.Node,
    url: str,
    token: str,
    version: str,
    stop: threading.Event,
    environment: Mapping[str, str],
    registered: Callable[[], None],
) -> None:
    """Join, register, and keep the node alive until `stop`."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    balancer = LoadBalancer(
        settings.number("lb-server-port"),
        f"{host}:{parts.port or 443}",
        paths.agent / "etc/k3s-agent-load-balancer.json",
    )
    balancer.start()
    try:
        joined = Joiner(url, balancer.url, token, node, paths, stop).join()
        balancer.update(joined.servers)
        kubeconfig.write_node(paths.agent, balancer.url)
        _prepare(settings, paths, joined, environment)
        api = rest.Rest(
            balancer.url, rest.trusting(joined.ca, joined.certificate), {"User-Agent": f"kubelet/{version}"}
        )
        kubelet = Kubelet(node, version, paths, api, stop, environment)
        kubelet.register()
        if not stop.is_set():
            registered()
        kubelet.run()
    except Stopped:
        pass
    finally:
        balancer.stop()


def _prepare(settings: Settings, paths: Paths, joined: Joined, environment: Mapping[str, str]) -> None:
    dns = str(joined.config.get("ClusterDNS") or "10.43.0.10")
    domain = str(joined.config.get("ClusterDomain") or "cluster.local")
    containerd.write(paths, environment, settings.text("default-runtime"), dns.split(","), domain)
    os.makedirs(paths.agent / "pod-manifests", exist_ok=True)
