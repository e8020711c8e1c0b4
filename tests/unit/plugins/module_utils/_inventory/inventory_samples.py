# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small inventory without a fault, for tests to break."""

from __future__ import annotations

import copy
from typing import Any

SITE: dict[str, Any] = {
    "homelab_admin_user": "josh",
    "homelab_api_address": "192.168.10.30",
    "homelab_api_virtual_address": None,
    "homelab_cluster_dns": "10.43.0.10",
    "homelab_domain": "example.net",
    "homelab_k3s_release_url": "https://github.com/k3s-io/k3s/releases/download",
    "homelab_k3s_version": "v1.32.5+k3s1",
    "homelab_load_balancer_cidr": "192.168.10.224/28",
    "homelab_name": "home",
    "homelab_node_network": {"cidr": "192.168.10.0/24", "gateway": "192.168.10.1", "dns": ["192.168.1.1"], "ntp": []},
    "homelab_pod_cidr": "10.42.0.0/16",
    "homelab_service_cidr": "10.43.0.0/16",
    "homelab_site_unknown": None,
    "homelab_tiers": {
        "nvme": {"description": "NVMe SSD", "select": {"transport": ["nvme"]}, "mount": "/mnt/nvme-{n}"},
        "general": {"description": "the root disk", "directory": "/var/lib/longhorn", "storage_class": "longhorn"},
    },
    "homelab_timezone": "America/New_York",
    "homelab_wait_for": "registered",
}


def machine(number: int, *groups: str) -> dict[str, Any]:
    """A machine at 192.168.10.NUMBER."""
    result: dict[str, Any] = {
        "group_names": list(groups),
        "homelab_groups": list(groups),
        "homelab_machine": {
            "kind": "metal",
            "vendor": "Dell Inc.",
            "product": "OptiPlex Micro",
            "address": f"192.168.10.{number}",
            "os": "ubuntu-22.04",
            "cpu": {"model": "i5", "sockets": 1, "cores": 6, "threads": 12},
            "memory_gib": 16,
            "nics": [
                {
                    "name": "enp1s0",
                    "mac": f"6c:1f:f7:1b:e8:{number:02x}",
                    "speed_mbps": 2500,
                    "bus": "usb",
                    "primary": True,
                }
            ],
            "disks": [{"model": "NVMe", "size_gb": 512, "transport": "nvme", "count": 1, "slot": "system"}],
            "gpus": [{"vendor": "intel", "model": "UHD 630", "pci_id": "8086:9bc8"}],
        },
        "homelab_unknown": None,
    }
    if {"k3s_server", "k3s_agent"} & set(groups):
        result["homelab_node"] = {"labels": {"node-type": "compute"}, "taints": [], "tiers": ["general"]}
    return result


def inventory() -> tuple[dict[str, Any], dict[str, Any]]:
    """Machines and site: one hypervisor, one server on it, two workers."""
    machines = {
        "r730": machine(100, "hypervisor", "storage_host"),
        "master": machine(30, "k3s_server"),
        "k3s1": machine(21, "k3s_agent"),
        "k3s2": machine(23, "k3s_agent"),
    }
    machines["master"]["homelab_machine"] |= {"kind": "vm", "host": "r730"}
    machines["master"]["homelab_node"]["taints"] = [
        {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    ]
    return machines, copy.deepcopy(SITE)


def put(document: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a path such as k3s1.homelab_machine.nics.0.mac; a value of ... removes what is there."""
    *folders, last = path.split(".")
    place: Any = document
    for folder in folders:
        place = place[int(folder)] if isinstance(place, list) else place[folder]
    key: Any = int(last) if isinstance(place, list) else last
    if value is ...:
        del place[key]
    else:
        place[key] = value
