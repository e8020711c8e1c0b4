# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfig files: the administrator's on a server, the kubelet's on every node."""

from __future__ import annotations

import base64
from pathlib import Path

from lab.k3s_standin import files

_TEMPLATE = """apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {ca}
    server: {server}
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {{}}
users:
- name: default
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
"""
_NODE_TEMPLATE = """apiVersion: v1
clusters:
- cluster:
    certificate-authority: {agent}/server-ca.crt
    server: {server}
  name: local
contexts:
- context:
    cluster: local
    namespace: default
    user: user
  name: Default
current-context: Default
kind: Config
preferences: {{}}
users:
- name: user
  user:
    client-certificate: {agent}/{name}.crt
    client-key: {agent}/{name}.key
"""
_NODE_FILES = {
    "kubelet": "client-kubelet",
    "k3scontroller": "client-k3s-controller",
    "kubeproxy": "client-kube-proxy",
}


def write_node(agent: Path, server: str) -> None:
    """Write the kubeconfig files of a node's components, through its load balancer."""
    for file, name in _NODE_FILES.items():
        text = _NODE_TEMPLATE.format(agent=agent, server=server, name=name)
        files.write_if_changed(agent / f"{file}.kubeconfig", text)


def write(path: Path, mode: str, server: str, tls: Path) -> None:
    """Write the administrator's kubeconfig with an octal mode such as 0600."""

    def data(name: str) -> str:
        return base64.b64encode((tls / name).read_bytes()).decode()

    text = _TEMPLATE.format(
        ca=data("server-ca.crt"), server=server, certificate=data("client-admin.crt"), key=data("client-admin.key")
    )
    files.write_if_changed(path, text, int(mode or "0600", 8))
