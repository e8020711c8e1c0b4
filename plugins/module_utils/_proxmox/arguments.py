# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: options of the modules for Proxmox VE, and the typed values that they become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.client import Node
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.model import Image, Wanted

CONNECTION: dict[str, dict[str, Any]] = {
    "api_host": {"type": "str", "required": True},
    "api_port": {"type": "int", "default": 8006},
    "api_user": {"type": "str", "required": True},
    "api_token_id": {"type": "str", "required": True, "no_log": False},
    "api_token_secret": {"type": "str", "required": True, "no_log": True},
    "ca_path": {"type": "path"},
    "api_fingerprint": {"type": "str"},
    "timeout": {"type": "int", "default": 60},
}
IMAGE = {
    "storage": {"type": "str", "default": "local"},
    "url": {"type": "str", "default": ""},
    "sha256": {"type": "str", "default": ""},
    "file": {"type": "str", "default": ""},
}
WANTED: dict[str, dict[str, Any]] = {
    **{key: {"type": "str", "required": True} for key in ("name", "node", "storage", "bridge", "address", "gateway")},
    "user": {"type": "str", "required": True},
    **{key: {"type": "int", "required": True} for key in ("cores", "memory_mib", "disk_gib")},
    **{key: {"type": "int", "default": 0} for key in ("vmid", "vlan", "start_order")},
    "image": {"type": "dict", "default": {}, "options": IMAGE},
    "dns": {"type": "list", "elements": "str", "default": []},
    "search_domain": {"type": "str", "default": ""},
    "ssh_keys": {"type": "list", "elements": "str", "required": True, "no_log": False},
    "start_at_boot": {"type": "bool", "default": True},
    "adopt": {"type": "bool", "default": False},
    "restart": {"type": "bool", "default": False},
}


def wanted_from(given: Mapping[str, Any]) -> Wanted:
    """The machine from a module's option."""
    image = Image(**{key: given["image"].get(key) or spec["default"] for key, spec in IMAGE.items()})
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    return Wanted(**values | {"image": image})


def connected(params: Mapping[str, Any]) -> Node:
    """The API that a module's options name; ProxmoxError where it cannot be trusted or does not answer."""
    token = (params["api_token_id"], params["api_token_secret"])
    node = Node(params["api_host"], params["api_port"], params["api_user"], token, params["timeout"])
    node.connect(params["ca_path"], params["api_fingerprint"])
    return node
