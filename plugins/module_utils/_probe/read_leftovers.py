# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what container networks left behind."""

# Nothing of Ansible here, and no other file of ours: node_health copies this one to hosts as it is.
from __future__ import annotations

import re
from pathlib import Path

# What each container network makes and, removed carelessly, leaves (facts B11, K3s' killall script).
INTERFACES = {
    "cilium": re.compile(r"cilium_(?:host|net|vxlan)|lxc(?:\w{10,}|_health)"),
    "flannel": re.compile(r"flannel\.1|flannel-wg|cni0"),
    "calico": re.compile(r"cali[0-9a-f]{11}|vxlan\.calico|tunl0@?"),
    "kube-router": re.compile(r"kube-bridge|kube-dummy-if"),
}
FILES = {
    "cilium": ("etc/cni/net.d/05-cilium.conflist", "etc/cni/net.d/05-cilium.conf"),
    "flannel": ("etc/cni/net.d/10-flannel.conflist", "run/flannel/subnet.env"),
    "calico": ("etc/cni/net.d/10-calico.conflist",),
}
RUNNING = {"cilium": "cilium-agent", "flannel": "flanneld", "calico": "calico-node", "kube-router": "kube-router"}


def leftovers(root: Path, interfaces: list[str], wanted: str) -> list[str]:
    """Things of a container network other than the wanted one, and of the wanted one when none of its agents runs."""
    names = processes(root)
    found = []
    for network in sorted({*INTERFACES, *FILES}):
        # K3s runs flannel inside its own process
        alive = RUNNING[network] in names or (network == "flannel" and bool(names & {"k3s-server", "k3s-agent", "k3s"}))
        if alive and (network == wanted or not wanted):
            continue
        pattern = INTERFACES.get(network)
        links = [f"interface {name}" for name in interfaces if pattern and pattern.fullmatch(name)]
        files = [f"/{name}" for name in FILES.get(network, ()) if (root / name).exists()]
        found += links + files
    backups = sorted((root / "etc/cni/net.d").glob("*.cilium_bak")) if wanted != "cilium" else []
    return found + [f"/{path.relative_to(root)}" for path in backups]


def processes(root: Path) -> set[str]:
    """Names of the running processes."""
    found = set()
    for path in (root / "proc").glob("[0-9]*/comm"):
        try:
            found.add(path.read_text().strip())
        except OSError:
            continue
    return found
