# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What K3s on a host must not become, and the sentence for each."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._k3s.state import (
    K3sState,
    moves_kubelet,
    parse_version,
    refusals,
    version_in,
)

WANTED = "v1.32.5+k3s1"


def state(**values: Any) -> K3sState:
    return K3sState(**({"version": WANTED, "sha256": None, "units": (), "kubelet_link": None} | values))


@pytest.mark.parametrize(
    "found",
    [
        state(version=None),
        state(units=("k3s-agent.service",)),
        state(version="v1.32.4+k3s1"),
        state(version="v1.31.9+k3s1"),
        # back within a minor version is allowed
        state(version="v1.32.13+k3s1"),
    ],
)
def test_what_can_be_done_in_place_is_not_refused(found: K3sState) -> None:
    assert refusals(found, "agent", WANTED, "k3s1") == []


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (state(units=("k3s.service",)), "k3s1 has k3s.service, but the inventory wants it as agent"),
        (state(version="v1.33.1+k3s1"), "k3s1 runs v1.33.1+k3s1, the inventory wants v1.32.5+k3s1; K3s cannot go back"),
        (state(version="v1.30.13+k3s1"), "set homelab_k3s_version to a v1.31 release first"),
        (state(kubelet_link="/data/kubelet"), "/var/lib/kubelet on k3s1 is a symbolic link to /data/kubelet"),
    ],
)
def test_refusal_says_what_and_how_to_mend_it(found: K3sState, sentence: str) -> None:
    (reason,) = refusals(found, "agent", WANTED, "k3s1")
    assert sentence in reason


def test_all_reasons_come_at_once() -> None:
    found = state(version="v1.33.1+k3s1", units=("k3s.service",), kubelet_link="/x")
    assert len(refusals(found, "agent", WANTED, "k3s1")) == 3


def test_version_in_k3s_own_words() -> None:
    assert version_in("k3s version v1.32.5+k3s1 (8e8f2a47)\ngo version go1.23.8\n") == "v1.32.5+k3s1"
    assert version_in("command not found") is None


def test_parse_version_reads_the_number_out_of_a_sentence() -> None:
    assert parse_version("k3s version v1.32.5+k3s1 (8e8f2a47)") == (1, 32, 5, 1)
    assert parse_version("none") is None


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("root-dir=/var/lib/rancher/k3s/agent/kubelet", True),
        ("--root-dir=/var/lib/kubelet", True),
        ("kubelet-arg:\n  - root-dir=/data\n", True),
        ('kubelet-arg+: ["max-pods=50", "root-dir=/data"]\n', True),
        ("kubelet-arg: root-dir=/data\n", True),
        ("# kubelet-arg: root-dir=/data\n", False),
        ("kubelet-arg: [not-root-dir=/data]\n", False),
        ("max-pods=50", False),
    ],
)
def test_root_dir_is_seen_wherever_it_stands(text: str, moves: bool) -> None:
    assert moves_kubelet(text) is moves


def test_every_place_that_moves_the_kubelet_is_named() -> None:
    found = state(moving_files=("/etc/rancher/k3s/config.yaml.d/50-csi.yaml",))
    end = (
        " sets the kubelet's root-dir, expected none: K3s keeps it in /var/lib/kubelet, where CSI drivers look for it; "
        "take root-dir out"
    )
    assert refusals(found, "agent", WANTED, "k3s1", ["max-pods=50", "root-dir=/data"]) == [
        f"the wanted kubelet-arg 'root-dir=/data'{end}",
        f"/etc/rancher/k3s/config.yaml.d/50-csi.yaml on k3s1{end}",
    ]
