# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which labels and taints Kubernetes and K3s take."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import Machine, Taint

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SHAPE = "letters, digits, '-', '_' or '.' between a letter or digit at each end"
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")

# A kubelet may set these of Kubernetes' own labels on its node and no others: NodeRestriction,
# kubernetes/pkg/kubelet/apis/well_known_labels.go. K3s does not start with one that is refused.
RESERVED = ("kubernetes.io", "k8s.io")
KUBELET_PREFIXES = ("kubelet.kubernetes.io", "node.kubernetes.io")
KUBELET_LABELS = frozenset(
    {
        "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch",
        "beta.kubernetes.io/os", "beta.kubernetes.io/arch", "beta.kubernetes.io/instance-type",
        "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
    }
)  # fmt: skip


def key_fault(key: str) -> str | None:
    """Why Kubernetes does not take a key of a label or taint, or None."""
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or not _PREFIX.fullmatch(prefix)):
        return f"has the prefix '{prefix}', which is not a lower-case domain name of at most 253 characters"
    if not _NAME.fullmatch(name):
        return f"has the name '{name}', which is not 1 to 63 {_SHAPE}"
    return None


def value_fault(value: str) -> str | None:
    """Why Kubernetes does not take a value of a label or taint, or None."""
    if value and not _NAME.fullmatch(value):
        return f"has the value '{value}', which is not up to 63 {_SHAPE}"
    return None


def refused_by_kubelet(key: str) -> bool:
    """Whether K3s refuses to start with this label."""
    prefix = key.rpartition("/")[0]
    if key in KUBELET_LABELS or _within(prefix, KUBELET_PREFIXES):
        return False
    return _within(prefix, RESERVED)


def _within(domain: str, parents: Sequence[str]) -> bool:
    return any(domain == parent or domain.endswith(f".{parent}") for parent in parents)


def check_labels(machine: Machine) -> Iterator[str]:
    """Labels that Kubernetes or K3s would refuse."""
    for key, value in (machine.wish.labels if machine.wish else {}).items():
        place = f"{machine.name}: homelab_node.labels: '{key}'"
        fault = key_fault(key) or value_fault(value)
        if fault:
            yield f"{place} {fault}; rename it"
        elif refused_by_kubelet(key):
            allowed = " or ".join(f"{prefix}/" for prefix in KUBELET_PREFIXES)
            yield (
                f"{place} is a label that a node may not set on itself, and K3s would not start with it; "
                f"use {allowed} or a domain of your own"
            )


def check_taints(machine: Machine) -> Iterator[str]:
    """Taints that Kubernetes would refuse."""
    taints: Sequence[Taint] = machine.wish.taints if machine.wish else ()
    for taint in taints:
        fault = key_fault(taint.key) or value_fault(taint.value)
        if fault:
            yield f"{machine.name}: homelab_node.taints: '{taint.key}' {fault}; rename it"
    for (key, effect), count in Counter((taint.key, taint.effect) for taint in taints).items():
        if count > 1:
            yield f"{machine.name}: homelab_node.taints: '{key}' with {effect} is there {count} times; keep one"
