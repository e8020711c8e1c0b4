# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine is, read from the kernel; the node object reports it."""

from __future__ import annotations

import os
import platform
import secrets
import shutil
import socket
from functools import cache
from pathlib import Path
from typing import Any

from lab.k3s_standin import files

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}
_MAX_PODS = "110"


@cache
def architecture() -> str:
    """The architecture in Go's words."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def addresses() -> list[str]:
    """The address that traffic to the default route leaves from; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return []
        return [probe.getsockname()[0]]


def node_id(directory: Path) -> str:
    """The random suffix of --with-node-id, kept across restarts."""
    return _kept(directory / "id", 4, 0o644)


def node_password(directory: Path) -> str:
    """The secret that proves a later start to be the same node (fact A10)."""
    return _kept(directory / "password", 16, 0o600)


def node_info(version: str) -> dict[str, Any]:
    """Status.nodeInfo of the node object."""
    release = _os_release()
    return {
        "architecture": architecture(),
        "bootID": _read("/proc/sys/kernel/random/boot_id"),
        "containerRuntimeVersion": "containerd://2.0.5-k3s1.32",
        "kernelVersion": os.uname().release,
        "kubeProxyVersion": version,
        "kubeletVersion": version,
        "machineID": _read("/etc/machine-id"),
        "operatingSystem": "linux",
        "osImage": release,
        # In a container the firmware is the host's, shared by all; machine-id then keeps nodes apart.
        "systemUUID": _read("/sys/class/dmi/id/product_uuid") or _read("/etc/machine-id"),
    }


def capacity(kubelet_root: Path) -> dict[str, str]:
    """Resources of the machine."""
    memory = next((line.split()[1] for line in _read("/proc/meminfo").splitlines() if line.startswith("MemTotal")), "0")
    disk = shutil.disk_usage(kubelet_root).total // 1024
    return {
        "cpu": str(os.cpu_count() or 1),
        "ephemeral-storage": f"{disk}Ki",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": f"{memory}Ki",
        "pods": _MAX_PODS,
    }


def allocatable(total: dict[str, str]) -> dict[str, str]:
    """Resources for pods: K3s reserves no memory, and the kubelet keeps 5 % of the disk (eviction-hard of K3s)."""
    disk = int(total["ephemeral-storage"].removesuffix("Ki")) * 1024
    return {**total, "ephemeral-storage": str(disk * 95 // 100)}


def _kept(path: Path, size: int, mode: int) -> str:
    try:
        if text := path.read_text().strip():
            return text
    except FileNotFoundError:
        pass
    text = secrets.token_hex(size)
    files.write(path, text + "\n", mode)
    return text


def _os_release() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
