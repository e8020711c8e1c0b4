# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: GPUs as found, and what a node is to make of them, typed."""

from __future__ import annotations

import re

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import GpuCard, GpuWish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.reader import PCI_ID, Form, Reader

VENDORS = ("intel", "nvidia")
BRANCH = Form(
    "a branch of NVIDIA's driver", re.compile(r"\d{3}(-server)?"), 'write it in quotes, e.g. "580-server" on Ubuntu'
)
SOURCES = ("distribution", "nvidia")
KERNEL_MODULES = ("proprietary", "open")
WISH_KEYS = ("replicas", "branch", "source", "kernel_module", "shared", "low_power_encode")


def gpu_cards(places: Reader) -> tuple[GpuCard, ...]:
    """The GPUs of a machine."""
    cards = []
    for place in places.items():
        place.mapping(("vendor", "model", "pci_id"))
        vendor, model = place["vendor"].choice(VENDORS), place["model"].text()
        pci_id = place["pci_id"].text(PCI_ID, required=False)
        if vendor and model:
            cards.append(GpuCard(vendor, model, pci_id))
    return tuple(cards)


def gpu_wish(place: Reader) -> GpuWish | None:
    """What a node is to make of its GPUs; None where the inventory says nothing of it."""
    if place.absent or not place.mapping(WISH_KEYS).is_mapping:
        return None
    return GpuWish(
        replicas=place["replicas"].number(),
        branch=place["branch"].text(BRANCH, required=False),
        source=place["source"].choice(SOURCES, required=False),
        kernel_module=place["kernel_module"].choice(KERNEL_MODULES, required=False),
        shared=place["shared"].number(),
        low_power_encode=place["low_power_encode"].flag(),
    )
