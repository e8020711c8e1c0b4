# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What container networks leave behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.read_leftovers import leftovers


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("etc/cni/net.d", "run/flannel", "proc/1", "proc/2"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "proc/1/comm").write_text("systemd\n")
    return tmp_path


def test_nothing_is_left(root: Path) -> None:
    assert leftovers(root, ["eth0", "lxcfs0", "docker0"], "cilium") == []


def test_flannel_beside_cilium(root: Path) -> None:
    (root / "proc/2/comm").write_text("cilium-agent\n")
    (root / "run/flannel/subnet.env").write_text("")
    found = leftovers(root, ["eth0", "cilium_host", "lxc0123456789ab", "flannel.1", "cni0"], "cilium")
    assert found == ["interface flannel.1", "interface cni0", "/run/flannel/subnet.env"]


def test_cilium_that_is_gone(root: Path) -> None:
    (root / "etc/cni/net.d/10-flannel.conflist.cilium_bak").write_text("")
    assert leftovers(root, ["cilium_vxlan"], "") == [
        "interface cilium_vxlan",
        "/etc/cni/net.d/10-flannel.conflist.cilium_bak",
    ]


def test_flannel_runs_inside_k3s(root: Path) -> None:
    (root / "proc/2/comm").write_text("k3s-agent\n")
    assert leftovers(root, ["flannel.1", "cni0"], "") == []
    assert leftovers(root, ["flannel.1", "cni0"], "cilium") == ["interface flannel.1", "interface cni0"]
