# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: every path that a reset may remove, and nothing else; pure."""

from __future__ import annotations

from collections.abc import Iterable

from .model import DATA, KUBELET, LOCAL_VOLUMES, NODE_PASSWORD, STAMPS

UNITS = ("k3s.service", "k3s-agent.service")
SYSTEMD = "/etc/systemd/system"
BINARIES = "/usr/local/bin"

# Cilium's: gone before K3s is stopped. An entry with a * matches names within its directory.
CILIUM_PATTERNS = (
    "/sys/fs/bpf/tc/globals/cilium_*",
    "/sys/fs/bpf/cilium",
    "/run/cilium",
    "/var/run/cilium",
    "/etc/cni/net.d/05-cilium.conflist",
    "/etc/cni/net.d/05-cilium.conf",
    "/etc/cni/net.d/*.cilium_bak",
    "/opt/cni/bin/cilium-cni",
    "/etc/sysctl.d/99-zzz-override_cilium.conf",
)
# In this order: what would start K3s again, its settings, what it holds, and last what says that it was here.
WANTING_PATTERNS = tuple(f"{SYSTEMD}/*.wants/{unit}" for unit in UNITS)
K3S_PATTERNS = (
    *WANTING_PATTERNS,
    *(f"{SYSTEMD}/{unit}{suffix}" for unit in UNITS for suffix in ("", ".env", ".d")),
    "/run/netns/cni-*",
    "/run/k3s",
    "/run/flannel",
    "/var/lib/cni",
    KUBELET,
    f"{DATA}/*",
    "/etc/rancher/k3s",
    f"{BINARIES}/k3s-killall.sh",
    f"{BINARIES}/k3s-uninstall.sh",
    f"{BINARIES}/k3s-agent-uninstall.sh",
    *(f"{BINARIES}/{name}" for name in ("kubectl", "crictl", "ctr")),
    f"{BINARIES}/k3s",
    f"{STAMPS}/k3s*",
    NODE_PASSWORD,
)
# Links count as ours only with this target; anything else is the owner's.
TOOLS = tuple(f"{BINARIES}/{name}" for name in ("kubectl", "crictl", "ctr"))
TOOL_TARGETS = ("k3s", f"{BINARIES}/k3s")
# Left behind when they hold anything else.
CONTAINERS = (DATA, "/var/lib/rancher", "/etc/rancher", STAMPS)
# Upstream's names for what makes a host a server.
DATASTORE = tuple(f"{DATA}/server/{name}" for name in ("db", "tls", "token", "cred"))
# Must be directories, as must their parents: nothing is removed through a link.
NO_LINKS = ("/var/lib", "/var/lib/rancher", DATA, KUBELET, "/etc/rancher", "/etc/rancher/k3s", NODE_PASSWORD)
KEPT = (LOCAL_VOLUMES, "/var/lib/longhorn")


def is_of_cilium(path: str) -> bool:
    """Whether a path is Cilium's, or below one that is."""
    parts = path.split("/")
    above = ("/".join(parts[:length]) for length in range(2, len(parts) + 1))
    return any(pattern_of(each, CILIUM_PATTERNS) is not None for each in above)


def starts_units(path: str) -> bool:
    """Whether a path is one of the links that have systemd start K3s at boot."""
    return pattern_of(path, WANTING_PATTERNS) is not None


def pattern_of(path: str, patterns: Iterable[str]) -> int | None:
    """Place of the first pattern that a path matches, one directory level to each level of the pattern."""
    for place, pattern in enumerate(patterns):
        parts, wanted = path.split("/"), pattern.split("/")
        if len(parts) == len(wanted) and all(_matches(part, want) for part, want in zip(parts, wanted)):
            return place
    return None


def _matches(name: str, wanted: str) -> bool:
    if "*" not in wanted:
        return name == wanted
    before, _star, after = wanted.partition("*")
    return name.startswith(before) and name.endswith(after) and len(name) >= len(before) + len(after)


def may_be_removed(path: str) -> bool:
    """Whether a reset knows this path as one to remove."""
    return path not in KEPT and pattern_of(path, (*CILIUM_PATTERNS, *K3S_PATTERNS)) is not None


def removal_order(paths: Iterable[str]) -> list[str]:
    """Known paths in the order of the patterns above, then by name; others are dropped."""
    patterns = (*CILIUM_PATTERNS, *K3S_PATTERNS)
    known = [path for path in paths if may_be_removed(path)]
    return sorted(known, key=lambda path: (pattern_of(path, patterns), path))
