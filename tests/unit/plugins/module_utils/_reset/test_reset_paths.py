# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which paths a reset may remove, and in which order."""

from __future__ import annotations

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.paths import (
    is_of_cilium,
    may_be_removed,
    removal_order,
    starts_units,
)


@pytest.mark.parametrize(
    ("path", "may"),
    [
        ("/var/lib/kubelet", True),
        ("/var/lib/rancher/k3s/agent", True),
        ("/var/lib/rancher/k3s/storage", False),
        ("/var/lib/rancher/k3s", False),
        ("/var/lib/rancher/k3s/agent/deeper", False),
        ("/etc/cni/net.d/05-cilium.conflist", True),
        ("/etc/cni/net.d/05-lab.conflist", False),
        ("/etc/cni/net.d/10-x.conf.cilium_bak", True),
        ("/etc/systemd/system/k3s-backup.service", False),
        ("/var/lib/fletcherlabs-homelab/k3s-tokens", True),
        ("/var/lib/fletcherlabs-homelab/node_base", False),
        ("/var/lib/longhorn", False),
        ("/mnt/ssd-1", False),
        ("/", False),
    ],
)
def test_only_known_paths_are_removed(path: str, may: bool) -> None:
    assert may_be_removed(path) is may


def test_order_is_that_of_the_lists_and_then_of_names() -> None:
    paths = ["/usr/local/bin/k3s", "/mnt/x", "/run/netns/cni-2", "/run/netns/cni-1", "/sys/fs/bpf/cilium", "/run/k3s"]
    assert removal_order(paths) == [
        "/sys/fs/bpf/cilium",
        "/run/netns/cni-1",
        "/run/netns/cni-2",
        "/run/k3s",
        "/usr/local/bin/k3s",
    ]


def test_what_is_ciliums_counts_with_all_below() -> None:
    assert is_of_cilium("/run/cilium/cgroupv2")
    assert is_of_cilium("/sys/fs/bpf/tc/globals/cilium_x")
    assert not is_of_cilium("/sys/fs/bpf/tc/globals")
    assert not is_of_cilium("/run/ciliumx")


def test_links_that_start_units_are_known() -> None:
    assert starts_units("/etc/systemd/system/multi-user.target.wants/k3s.service")
    assert not starts_units("/etc/systemd/system/k3s.service")
