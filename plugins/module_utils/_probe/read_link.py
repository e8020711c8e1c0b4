# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what the kernel says of each network interface."""

# Nothing of Ansible here, and no other file of ours: node_health copies this one to hosts as it is.
from __future__ import annotations

from pathlib import Path
from typing import Any

# Counters that stay 0 on a sound cable and port.
ERRORS = ("rx_errors", "tx_errors", "rx_crc_errors", "rx_frame_errors", "tx_carrier_errors")
DROPS = ("rx_dropped", "tx_dropped")

Link = dict[str, Any]


def links(root: Path) -> dict[str, Link]:
    """Each interface of the machine whose file system begins at root, but the loopback."""
    folder = root / "sys/class/net"
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    # bonding keeps a file among the interfaces
    return {name: link(folder / name) for name in names if name != "lo" and (folder / name).is_dir()}


def link(folder: Path) -> Link:
    """One interface; what the kernel does not tell while it is down is None."""
    return {
        # the parts of a bond all show the bond's
        "mac": _text(folder / "bonding_slave/perm_hwaddr") or _text(folder / "address"),
        "up": bool((_number(folder / "flags", 16) or 0) & 1),
        "carrier": {"0": False, "1": True}.get(_text(folder / "carrier") or ""),
        "operstate": _text(folder / "operstate"),
        "speed": _positive(_number(folder / "speed")),
        "duplex": _known(_text(folder / "duplex")),
        "mtu": _number(folder / "mtu"),
        "carrier_changes": _number(folder / "carrier_changes"),
        "errors": {name: _number(folder / "statistics" / name) or 0 for name in ERRORS},
        "drops": {name: _number(folder / "statistics" / name) or 0 for name in DROPS},
        "bus": _bus(folder),
        "port": _usb_port(folder),
        "driver": _target(folder / "device" / "driver"),
        "master": _target(folder / "master"),
        "bond": bond(folder / "bonding"),
    }


def bond(folder: Path) -> dict[str, Any] | None:
    """What an active-backup bond runs on; None for any other device."""
    if (_text(folder / "mode") or "").partition(" ")[0] != "active-backup":
        return None
    return {
        "active": _text(folder / "active_slave") or None,
        "primary": (_text(folder / "primary") or "").partition(" ")[0] or None,
        "parts": sorted((_text(folder / "slaves") or "").split()),
    }


def _text(path: Path) -> str | None:
    # the kernel answers EINVAL for speed, duplex and carrier of an interface that is down
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def _number(path: Path, base: int = 10) -> int | None:
    try:
        return int(_text(path) or "", base)
    except ValueError:
        return None


def _positive(value: int | None) -> int | None:
    # -1 and 65535 both mean that the driver does not know
    return value if value is not None and 0 < value < 4294967295 and value != 65535 else None


def _known(value: str | None) -> str | None:
    return None if value == "unknown" else value


def _target(path: Path) -> str | None:
    return path.resolve().name if path.is_symlink() else None


def _bus(folder: Path) -> str | None:
    device = folder / "device"
    return _target(device / "subsystem") if device.exists() else None


def _usb_port(folder: Path) -> str | None:
    # .../usb2/2-1/2-1:1.0: the kernel's log calls the adapter by the part in the middle
    parts = (folder / "device").resolve().parts if _bus(folder) == "usb" else ()
    return parts[-1].partition(":")[0] if parts else None
