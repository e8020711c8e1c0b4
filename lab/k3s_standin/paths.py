# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where K3s keeps things; LAB_K3S_ROOT moves all of it below another directory, for tests."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path


def _root() -> Path:
    return Path(os.environ.get("LAB_K3S_ROOT") or "/")


@dataclass(frozen=True)
class Paths:
    """Upstream's places; the kubelet's root is /var/lib/kubelet whatever the data directory is (fact A12)."""

    root: Path = field(default_factory=_root)
    data_dir: str = ""

    @property
    def config(self) -> Path:
        """The default configuration file."""
        return self.root / "etc/rancher/k3s/config.yaml"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.root / "etc/rancher/k3s/k3s.yaml"

    @property
    def node(self) -> Path:
        """The directory that survives an uninstall (fact A5)."""
        return self.root / "etc/rancher/node"

    @property
    def data(self) -> Path:
        """The data directory."""
        return Path(self.data_dir) if self.data_dir else self.root / "var/lib/rancher/k3s"

    @property
    def server(self) -> Path:
        """Server state."""
        return self.data / "server"

    @property
    def tls(self) -> Path:
        """Server keys and certificates."""
        return self.server / "tls"

    @property
    def agent(self) -> Path:
        """Agent state."""
        return self.data / "agent"

    @property
    def kubelet(self) -> Path:
        """The kubelet's root directory."""
        return self.root / "var/lib/kubelet"

    @property
    def cni(self) -> Path:
        """Where a network plugin leaves its configuration."""
        return self.root / "etc/cni/net.d"
