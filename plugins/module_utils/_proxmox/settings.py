# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: a machine's configuration in the words of qm.conf(5) and of the inventory; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.model import FRESH, OURS, Wanted

DISKS = ("scsi0", "virtio0", "sata0", "ide0")
UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
# Keys that a running machine gets at its next start.
AT_START = ("cores", "sockets", "memory", "agent", "serial0")


def creation(wanted: Wanted) -> dict[str, str]:
    """What a new machine gets; its disk is imported afterwards."""
    vlan = f",tag={wanted.vlan}" if wanted.vlan else ""
    return {
        **kept(wanted),
        **cloud_init(wanted),
        "scsihw": "virtio-scsi-single",
        "cpu": "host",
        "ostype": "l26",
        "vga": "serial0",
        "net0": f"virtio,bridge={wanted.bridge},firewall=0{vlan}",
        "ide2": f"{wanted.storage}:cloudinit",
    }


def kept(wanted: Wanted) -> dict[str, str]:
    """What is kept as wanted on a machine that is there."""
    return {
        "name": wanted.name,
        "sockets": "1",
        "cores": str(wanted.cores),
        "memory": str(wanted.memory_mib),
        "agent": "enabled=1",
        "serial0": "socket",
        "onboot": str(int(wanted.start_at_boot)),
        **({"startup": f"order={wanted.start_order}"} if wanted.start_order else {}),
    }


def cloud_init(wanted: Wanted) -> dict[str, str]:
    """The fields of its cloud-init drive."""
    return {
        "ciuser": wanted.user,
        "sshkeys": encoded(wanted.ssh_keys),
        "ipconfig0": f"ip={wanted.address},gw={wanted.gateway}",
        **({"nameserver": " ".join(wanted.dns)} if wanted.dns else {}),
        **({"searchdomain": wanted.search_domain} if wanted.search_domain else {}),
    }


def encoded(keys: tuple[str, ...]) -> str:
    """SSH keys as the API takes them."""
    return quote("\n".join(keys), safe="")


def decoded(text: str) -> tuple[str, ...]:
    """SSH keys as a person reads them."""
    return tuple(line.strip() for line in unquote(text).splitlines() if line.strip())


def has_cloud_init(config: Mapping[str, str]) -> bool:
    """Whether it has a cloud-init drive."""
    return any("cloudinit" in value for key, value in config.items() if re.fullmatch(r"(ide|scsi|sata)\d+", key))


def system_disk(config: Mapping[str, str]) -> str | None:
    """The key of the disk that it boots from."""
    order = re.search(r"order=([\w;]+)", config.get("boot", ""))
    candidates = [*(order[1].split(";") if order else ()), *DISKS]
    return next((key for key in candidates if key in config and is_disk(key, config[key])), None)


def is_disk(key: str, value: str) -> bool:
    """Whether a drive is a disk and no CD."""
    return bool(re.fullmatch(r"(scsi|virtio|sata|ide)\d+", key)) and "media=cdrom" not in value and ":" in value


def size_of(drive: str) -> int:
    """Bytes of a drive; 0 where it does not say."""
    match = re.search(r"size=(\d+)([KMGT]?)", drive)
    return int(match[1]) * UNITS.get(match[2], 1) if match else 0


def tags_of(config: Mapping[str, str]) -> tuple[str, ...]:
    """Its tags."""
    return tuple(tag for tag in re.split(r"[;, ]+", config.get("tags", "")) if tag)


def settled_tags(config: Mapping[str, str]) -> tuple[str, ...]:
    """The tags of a machine that is ours and whose first boot has been seen."""
    tags = tuple(tag for tag in tags_of(config) if tag != FRESH)
    return tags if OURS in tags else (*tags, OURS)


def is_ours(config: Mapping[str, str]) -> bool:
    """Whether this collection made or adopted it."""
    return OURS in tags_of(config)


def is_fresh(config: Mapping[str, str]) -> bool:
    """Whether the end of its first boot is still to be seen."""
    return FRESH in tags_of(config)


def same(key: str, found: str | None, wanted: str) -> bool:
    """Whether two values of a key mean the same."""
    if found is None:
        # what upstream takes where nothing is said
        return {"sockets": "1", "onboot": "0"}.get(key) == wanted
    if key == "sshkeys":
        return decoded(found) == decoded(wanted)
    if key == "agent":
        return found.partition(",")[0].removeprefix("enabled=") == "1"
    if key == "startup":
        return wanted in found.split(",")
    if key == "ipconfig0":
        return set(found.split(",")) >= set(wanted.split(","))
    if key == "serial0":
        return True
    return found == wanted


def described(config: Mapping[str, str], running: bool) -> dict[str, object]:
    """A configuration in the inventory's words."""
    if not config:
        return {}
    disk = system_disk(config)
    network = dict(part.partition("=")[::2] for part in config.get("ipconfig0", "").split(",") if part)
    shown: dict[str, object] = {
        "name": config.get("name"),
        "cores": int(config.get("cores", 1)) * int(config.get("sockets", 1)),
        "memory_mib": int(config.get("memory", 512)),
        "disk": f"{disk} {size_of(config[disk]) // UNITS['G']} GiB" if disk else None,
        "controller": config.get("scsihw"),
        "network": re.sub(r"=([0-9A-F]{2}:){5}[0-9A-F]{2}", "", config.get("net0", "")) or None,
        "guest_agent": same("agent", config.get("agent", "0"), "enabled=1"),
        "serial_console": config.get("serial0"),
        "start_at_boot": config.get("onboot", "0") == "1",
        "start_order": config.get("startup"),
        "user": config.get("ciuser"),
        "ssh_keys": list(decoded(config.get("sshkeys", ""))),
        "address": network.get("ip"),
        "gateway": network.get("gw"),
        "dns": config.get("nameserver", "").split(),
        "tags": list(tags_of(config)),
        "running": running,
    }
    return {key: value for key, value in shown.items() if value is not None}
