# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a machine can be built: found, expected, sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._machine.judge import judge
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._machine.model import Expected, Found, Verdict

MAC = "6c:1f:f7:1b:e8:c8"
KUBELET = "/var/lib/kubelet"
CSI = f"{KUBELET}/plugins/kubernetes.io/csi/driver.longhorn.io/1/globalmount"
FOUND = Found(
    system="ubuntu-22.04",
    architecture="x86_64",
    init="systemd",
    python=(3, 10),
    hostname="k3s1",
    machine_id="0b6f1c2d3e4f5a6b7c8d9e0f1a2b3c4d",
    container=None,
    macs=(MAC,),
    memory_mib=15872,
    root_free_mib=423936,
    clock=1000.0,
    kubelet_link=None,
    kubelet_mounts=(f"{KUBELET}/pods/1/volumes/a", CSI),
    kubelet_fstab=(),
    units=("k3s-agent.service",),
)
EXPECTED = Expected(
    name="k3s1",
    role="agent",
    system="ubuntu-22.04",
    macs=(MAC,),
    clock=999.0,
    clock_limit=30,
    root_free_mib=5120,
)
UNIT_FIX = "stop and remove that unit, or correct homelab_groups"

PROBLEMS: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"system": "ubuntu-20.04"}, {"system": None}, [
        "runs ubuntu-20.04, expected one of debian-12, ubuntu-22.04, ubuntu-24.04; install one of them"]),
    ({"architecture": "armv7l"}, {}, ["is a armv7l, expected x86_64 or aarch64; use another machine"]),
    ({"init": "init"}, {}, ["was started by 'init', expected systemd; boot it with systemd as process 1"]),
    ({"python": (3, 8)}, {}, [
        "has Python 3.8, expected 3.9 or newer; install it, and set ansible_python_interpreter to it"]),
    ({"memory_mib": 449}, {}, ["has 449 MiB of memory, expected 450 for a K3s agent; add memory"]),
    ({"memory_mib": 1799, "units": ()}, {"role": "server"}, [
        "has 1799 MiB of memory, expected 1800 for a K3s server; add memory"]),
    ({"memory_mib": 449, "root_free_mib": 0, "units": ()}, {"role": "none"}, []),
    ({"root_free_mib": 5119}, {}, ["has 5119 MiB free on /, expected 5120; free some"]),
    ({"clock": 1029.0}, {}, []),
    ({"clock": 1030.0}, {}, [
        "its clock is 31 s ahead of the controller's, expected at most 30 s; "
        "set the wrong one of the two (timedatectl set-ntp true)"]),
    ({"clock": 900.0}, {}, [
        "its clock is 99 s behind the controller's, expected at most 30 s; "
        "set the wrong one of the two (timedatectl set-ntp true)"]),
    ({"clock": 0.0}, {"clock": None}, []),
    ({"units": ("k3s.service",)}, {}, [f"is a K3s agent in the inventory and has k3s.service; {UNIT_FIX}"]),
    ({"units": ("k3s.service", "k3s-agent.service")}, {}, [
        f"is a K3s agent in the inventory and has k3s.service; {UNIT_FIX}"]),
    ({"units": ("k3s.service",)}, {"role": "server"}, []),
    ({}, {"role": "server"}, [f"is a K3s server in the inventory and has k3s-agent.service; {UNIT_FIX}"]),
    ({}, {"role": "none"}, [f"is no member of the cluster in the inventory and has k3s-agent.service; {UNIT_FIX}"]),
    ({"units": ()}, {}, []),
    ({"kubelet_link": "/mnt/kubelet"}, {}, [
        f"{KUBELET} is a link to /mnt/kubelet, expected a folder; remove the link"]),
    ({"kubelet_fstab": (f"{KUBELET}/pods", KUBELET, KUBELET)}, {}, [
        f"/etc/fstab mounts {KUBELET}, which belongs to the kubelet; remove the entry and unmount it",
        f"/etc/fstab mounts {KUBELET}/pods, which belongs to the kubelet; remove the entry and unmount it"]),
    ({"kubelet_mounts": (KUBELET, f"{KUBELET}/x", f"{KUBELET}/x", CSI)}, {}, [
        f"something is mounted at {KUBELET}, which belongs to the kubelet; unmount it",
        f"something is mounted at {KUBELET}/x, which belongs to the kubelet; unmount it"]),
    ({"kubelet_mounts": (KUBELET,), "container": "docker"}, {}, []),
    ({"kubelet_mounts": (CSI, f"{KUBELET}/pods/1/a") * 167}, {}, [
        f"2 of the kubelet's mounts are there more than once, {CSI} first; unmount the doubles"]),
    ({"hostname": "k3s2", "macs": ("8c:ae:4c:dd:5d:ef",)}, {}, [
        "the machine at its address calls itself 'k3s2' and has none of the MAC addresses of k3s1; "
        "find out which machine it is, and correct homelab_machine or the machine"]),
    ({"hostname": "k3s2", "macs": ()}, {"macs": ()}, []),
    ({"hostname": "k3s2", "macs": (), "container": "docker"}, {}, []),
]  # fmt: skip

NOTICES: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"hostname": "K3S1.example.net"}, {}, []),
    ({"hostname": "ubuntu"}, {}, ["calls itself 'ubuntu'"]),
    ({"macs": ("8c:ae:4c:dd:5d:ef",)}, {}, [
        f"has no interface with the MAC address {MAC}; found are 8c:ae:4c:dd:5d:ef"]),
    ({"macs": ()}, {}, [f"has no interface with the MAC address {MAC}; found are none"]),
    ({"macs": (), "container": "docker", "system": "debian-12"}, {}, []),
    ({"system": "ubuntu-24.04"}, {}, ["runs ubuntu-24.04, described as ubuntu-22.04; correct homelab_machine.os"]),
    ({"system": "ubuntu-24.04"}, {"system": None}, []),
]  # fmt: skip


def verdict(found: dict[str, Any], expected: dict[str, Any]) -> Verdict:
    return judge(replace(FOUND, **found), replace(EXPECTED, **expected))


def test_a_machine_as_described() -> None:
    assert judge(FOUND, EXPECTED) == Verdict((), ())


@pytest.mark.parametrize(("found", "expected", "problems"), PROBLEMS)
def test_what_stops_a_build(found: dict[str, Any], expected: dict[str, Any], problems: list[str]) -> None:
    assert list(verdict(found, expected).problems) == [f"k3s1: {problem}" for problem in problems]


@pytest.mark.parametrize(("found", "expected", "notices"), NOTICES)
def test_what_is_only_reported(found: dict[str, Any], expected: dict[str, Any], notices: list[str]) -> None:
    assert verdict(found, expected) == Verdict((), tuple(f"k3s1: {notice}" for notice in notices))


def test_all_problems_come_at_once() -> None:
    found = {"init": "init", "memory_mib": 1, "clock": 0.0, "units": ("k3s.service",), "kubelet_link": "/mnt"}
    assert len(verdict(found, {}).problems) == 5
