# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: read a machine's files; run nothing, change nothing."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._machine.model import Found

KUBELET = "/var/lib/kubelet"
UNITS = ("k3s.service", "k3s-agent.service")
# systemd.unit(5), the folders an administrator or a package may use
UNIT_FOLDERS = ("etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")


def probe(root: Path) -> Found:
    """The machine whose file system begins at root."""
    release = _assignments(_read(root / "etc/os-release"))
    disk = os.statvfs(root)
    kubelet = root / KUBELET.lstrip("/")
    return Found(
        system=f"{release.get('ID', 'unknown')}-{release.get('VERSION_ID', 'unknown')}",
        architecture=os.uname().machine,
        init=_read(root / "proc/1/comm"),
        python=(sys.version_info.major, sys.version_info.minor),
        hostname=_read(root / "proc/sys/kernel/hostname"),
        machine_id=_read(root / "etc/machine-id"),
        container=_container(root),
        macs=_macs(root / "sys/class/net"),
        memory_mib=_memory_mib(_read(root / "proc/meminfo")),
        root_free_mib=disk.f_bavail * disk.f_frsize // 2**20,
        clock=time.time(),
        kubelet_link=_link(kubelet),
        kubelet_mounts=targets_of_kubelet(_read(root / "proc/self/mounts")),
        kubelet_fstab=targets_of_kubelet(_read(root / "etc/fstab")),
        units=tuple(unit for unit in UNITS if any(os.path.lexists(root / folder / unit) for folder in UNIT_FOLDERS)),
    )


def _read(path: Path) -> str:
    """The text of a file, empty when there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return ""


def _container(root: Path) -> str | None:
    """The kind of container, by the marks that systemd-detect-virt(1) goes by."""
    marks = {"run/.containerenv": "podman", ".dockerenv": "docker"}
    kinds = (kind for mark, kind in marks.items() if (root / mark).exists())
    return _read(root / "run/systemd/container") or next(kinds, None)


def _link(path: Path) -> str | None:
    return os.readlink(path) if path.is_symlink() else None


def _assignments(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip().strip("\"'") for key, _equals, value in pairs}


def _macs(interfaces: Path) -> tuple[str, ...]:
    """Of interfaces with a device behind them: a container network makes hundreds without."""
    found = {_read(interface.parent / "address") for interface in interfaces.glob("*/device")}
    return tuple(sorted(mac for mac in found if mac))


def _memory_mib(text: str) -> int:
    match = re.search(r"^MemTotal:\s+(\d+) kB$", text, re.MULTILINE)
    return int(match.group(1)) // 1024 if match else 0


def targets_of_kubelet(text: str) -> tuple[str, ...]:
    """Mount points at or below the kubelet's folder, from lines as in fstab(5)."""
    lines = (line.split() for line in text.splitlines() if not line.lstrip().startswith("#"))
    targets = (_unescaped(fields[1]).rstrip("/") for fields in lines if len(fields) > 2)
    return tuple(target for target in targets if target == KUBELET or target.startswith(f"{KUBELET}/"))


def _unescaped(target: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), target)
