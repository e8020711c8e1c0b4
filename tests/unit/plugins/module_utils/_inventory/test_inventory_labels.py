# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and taints, as Kubernetes and K3s take them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.labels import refused_by_kubelet
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse import parse
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules import check
from tests.unit.plugins.module_utils._inventory.inventory_samples import inventory, put

REFUSED = (
    "is a label that a node may not set on itself, and K3s would not start with it; "
    "use kubelet.kubernetes.io/ or node.kubernetes.io/ or a domain of your own"
)
SHAPE = "letters, digits, '-', '_' or '.' between a letter or digit at each end; rename it"


@pytest.mark.parametrize(
    ("key", "refused"),
    [
        ("node-type", False),
        ("example.net/a", False),
        ("node.longhorn.io/create-default-disk", False),
        ("node.kubernetes.io/instance-type", False),
        ("kubelet.kubernetes.io/a", False),
        ("my.node.kubernetes.io/a", False),
        ("topology.kubernetes.io/zone", False),
        ("kubernetes.io/hostname", False),
        ("node-role.kubernetes.io/worker", True),
        ("kubernetes.io/role", True),
        ("k8s.io/a", True),
        ("cloud.k8s.io/a", True),
        ("topology.kubernetes.io/rack", True),
        ("notkubernetes.io/a", False),
    ],
)
def test_labels_a_kubelet_may_not_set(key: str, refused: bool) -> None:
    assert refused_by_kubelet(key) is refused


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("node-role.kubernetes.io/worker", "", REFUSED),
        ("-a", "x", f"has the name '-a', which is not 1 to 63 {SHAPE}"),
        ("a" * 64, "x", f"has the name '{'a' * 64}', which is not 1 to 63 {SHAPE}"),
        ("Example.net/a", "x", "has the prefix 'Example.net', which is not a lower-case domain name "
                               "of at most 253 characters; rename it"),
        ("a.b/", "x", f"has the name '', which is not 1 to 63 {SHAPE}"),
        ("a", "two words", f"has the value 'two words', which is not up to 63 {SHAPE}"),
        ("a", "x" * 64, f"has the value '{'x' * 64}', which is not up to 63 {SHAPE}"),
    ],
)  # fmt: skip
def test_a_label_that_is_refused(key: str, value: str, complaint: str) -> None:
    assert broken("labels", {key: value}) == [f"k3s1: homelab_node.labels: '{key}' {complaint}"]


@pytest.mark.parametrize(("key", "value"), [("a" * 63, "x" * 63), ("a", ""), ("a.b-c/D_e.f", "1.2_3-x")])
def test_a_label_that_is_taken(key: str, value: str) -> None:
    assert broken("labels", {key: value}) == []


def test_a_taint_twice() -> None:
    taint = {"key": "gpu", "value": "nvidia", "effect": "NoSchedule"}
    assert broken("taints", [taint, taint | {"value": "intel"}]) == [
        "k3s1: homelab_node.taints: 'gpu' with NoSchedule is there 2 times; keep one"
    ]
    assert broken("taints", [taint, taint | {"effect": "NoExecute"}]) == []


def test_a_taint_that_is_refused() -> None:
    assert broken("taints", [{"key": "a b", "effect": "NoSchedule"}]) == [
        f"k3s1: homelab_node.taints: 'a b' has the name 'a b', which is not 1 to 63 {SHAPE}"
    ]


def broken(part: str, value: Any) -> list[str]:
    machines, site = inventory()
    put(machines, f"k3s1.homelab_node.{part}", value)
    model, problems = parse(machines, site)
    assert problems == []
    return check(model)
