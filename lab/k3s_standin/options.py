# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node is told to be: settings checked once, before anything is written."""

from __future__ import annotations

import os
import re
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lab.k3s_standin import log, machine
from lab.k3s_standin.config import ConfigError, Settings
from lab.k3s_standin.paths import Paths

# What the kubelet may set itself (fact A17; kubernetes.io/enforce-node-restriction).
_KUBELET_LABELS = frozenset(
    "kubernetes.io/hostname kubernetes.io/os kubernetes.io/arch beta.kubernetes.io/os beta.kubernetes.io/arch"
    " kubernetes.io/instance-type beta.kubernetes.io/instance-type node.kubernetes.io/instance-type"
    " topology.kubernetes.io/zone topology.kubernetes.io/region failure-domain.beta.kubernetes.io/zone"
    " failure-domain.beta.kubernetes.io/region".split()
)
_KUBELET_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
_TAINT = re.compile(r"^([A-Za-z0-9][-A-Za-z0-9_./]*)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$")
_NODE_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_FILE_PATIENCE = 240.0


@dataclass(frozen=True)
class Node:
    """One node's identity and what it registers with."""

    name: str
    addresses: tuple[str, ...]
    external_addresses: tuple[str, ...]
    labels: dict[str, str]
    taints: tuple[tuple[str, str, str], ...]
    arguments: tuple[str, ...]


def check_labels(labels: list[str]) -> dict[str, str]:
    """Parse key=value labels; refuse those a kubelet may not set."""
    parsed: dict[str, str] = {}
    for label in labels:
        key, _, value = label.partition("=")
        parsed[key] = value
    unknown = sorted(key for key in parsed if _reserved(key))
    if unknown:
        raise ConfigError(
            f"unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [{' '.join(unknown)}]\n"
            "--node-labels in the 'kubernetes.io' namespace must begin with an allowed prefix"
            f" ({', '.join(sorted(_KUBELET_DOMAINS))}) or be in the specifically allowed set"
            f" ({', '.join(sorted(_KUBELET_LABELS))})"
        )
    return parsed


def check_taints(taints: list[str]) -> tuple[tuple[str, str, str], ...]:
    """Parse key=value:effect taints."""
    parsed = []
    for taint in taints:
        match = _TAINT.match(taint)
        if not match:
            raise ConfigError(
                f"invalid taint spec: {taint}, expected key=value:effect with effect NoSchedule, "
                "PreferNoSchedule or NoExecute"
            )
        parsed.append((match[1], match[2] or "", match[3]))
    return tuple(parsed)


def node(settings: Settings, paths: Paths) -> Node:
    """Read who this node is."""
    name = (settings.text("node-name") or socket.gethostname()).lower()
    if settings.flag("with-node-id"):
        name = f"{name}-{machine.node_id(paths.node)}"
    if not _NODE_NAME.match(name):
        raise ConfigError(f"invalid node name {name!r}, expected a lower-case DNS name; set node-name")
    addresses = settings.list("node-ip") or machine.addresses()
    if not addresses:
        raise ConfigError("no default route and no node-ip: set node-ip or add a default route")
    return Node(
        name,
        tuple(addresses),
        tuple(settings.list("node-external-ip")),
        check_labels(settings.list("node-label")),
        check_taints(settings.list("node-taint")),
        (settings.command, *settings.arguments),
    )


def token(settings: Settings, name: str = "token") -> str:
    """The token, given directly or in a file that may still be on its way."""
    if text := settings.text(name):
        return text
    file = settings.text(f"{name}-file")
    return _wait_for(Path(file)) if file else ""


def server_url(settings: Settings) -> str:
    """The server to join, checked as upstream does."""
    url = settings.text("server")
    parts = urlsplit(url)
    if url and parts.scheme != "https":
        raise ConfigError(f"only https:// URLs are supported, invalid scheme: {url}")
    if url and not parts.hostname:
        raise ConfigError(f"invalid server url {url}, expected https://HOST:PORT")
    return url.rstrip("/")


def require_root(command: str) -> None:
    """Refuse to run as somebody else, except below LAB_K3S_ROOT."""
    if os.geteuid() != 0 and not os.environ.get("LAB_K3S_ROOT"):
        raise ConfigError(f"{command} must run as root, or with --rootless")


def _wait_for(path: Path) -> str:
    end = time.monotonic() + _FILE_PATIENCE
    while True:
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            if time.monotonic() > end:
                raise ConfigError(f"Timeout while trying to read the file {path}") from None
            log.info(f"Waiting for {path} to be available\n")
            time.sleep(2)
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}") from error


def _reserved(key: str) -> bool:
    domain = key.partition("/")[0] if "/" in key else ""
    if not any(domain == name or domain.endswith(f".{name}") for name in ("kubernetes.io", "k8s.io")):
        return False
    if key in _KUBELET_LABELS:
        return False
    return not any(domain == name or domain.endswith(f".{name}") for name in _KUBELET_DOMAINS)
