# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: a hypervisor and its virtual machines, from the inventory's variables."""

from __future__ import annotations

import re

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import Hypervisor, VmWish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.reader import Form, Reader

HYPERVISORS = ("proxmox", "none")
API_KEYS = (
    "api_host", "api_port", "api_user", "api_token_id", "ca_path", "api_fingerprint", "node", "storage",
    "image_storage", "bridge",
)  # fmt: skip
VM_KEYS = ("id", "cores", "memory_mib", "disk_gib", "vlan", "start_order", "start_at_boot", "image")
FINGERPRINT = Form(
    "a SHA-256 fingerprint",
    re.compile(r"(?i)([0-9a-f]{2}:){31}[0-9a-f]{2}"),
    "write the 32 pairs that the node's certificate page shows",
)
SSH_KEY = Form(
    "a public SSH key",
    re.compile(r"(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+( .*)?\s*"),
    "write the one line of the .pub file",
)
SHA256 = Form("a SHA-256 digest", re.compile(r"[0-9a-f]{64}"), "write the 64 digits of the image's SHA256SUMS")
IMAGE = Form(
    "an address of a cloud image",
    re.compile(r"https?://\S+\.(qcow2|img)"),
    "write the address of a qcow2 image, whose name ends in .qcow2 or .img",
)


def admin_keys(keys: Reader) -> None:
    """Who may log in to machines that are made."""
    for key in keys.items():
        key.text(SSH_KEY)


def hypervisor(kind: Reader, api: Reader) -> Hypervisor | None:
    """What runs virtual machines on a machine, and how it is reached."""
    if kind.absent and api.absent:
        return None
    product = kind.choice(HYPERVISORS)
    api.mapping(API_KEYS, required=product == "proxmox")
    api["node"].text(required=api.is_mapping)
    for key in ("api_host", "api_user", "api_token_id", "ca_path", "storage", "image_storage", "bridge"):
        api[key].text(required=False)
    api["api_port"].number()
    print_of = api["api_fingerprint"].text(FINGERPRINT, required=False)
    if print_of and not api["ca_path"].absent:
        api.complain(" has a ca_path and an api_fingerprint", "keep the one that you can verify")
    return Hypervisor(product)


def vm_wish(wish: Reader, disk_gb: int | None) -> VmWish | None:
    """What a virtual machine should be; its disk is the one described where nothing else is said."""
    if wish.absent:
        return None
    wish.mapping(VM_KEYS)
    for key in ("cores", "memory_mib", "vlan", "start_order"):
        wish[key].number()
    wish["start_at_boot"].flag()
    image = wish["image"].mapping(("url", "sha256", "file"), required=False)
    if not image.absent:
        image["url"].text(IMAGE)
        image["sha256"].text(SHA256)
    return VmWish(wish["id"].number(), wish["disk_gib"].number() or disk_gb)
