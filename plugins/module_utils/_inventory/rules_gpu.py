# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what GPUs, their shares and their drivers may not say together."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.families import BRANCHES, family_of
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import (
    GpuCard,
    GpuWish,
    Inventory,
    Machine,
)

# Upstream's device plugins know no upper bound. A process on a card takes some 300 MiB before it does anything, and 48
# of them fill the 16 GB of a Tesla T4; it is also as many as MPS, NVIDIA's other way of sharing, ever lets in.
MOST_SHARES = 48
# Branches that NVIDIA published for data centres and for everybody, of those that a kernel of today can load.
KNOWN_BRANCHES = (470, 535, 550, 565, 570, 575, 580, 590, 595, 610, 615)
# The oldest architecture that the open kernel module knows, and the first that knows no other.
ONLY_PROPRIETARY = ("kepler", "maxwell", "pascal", "volta")
ONLY_OPEN = ("blackwell",)


def check_gpus(inventory: Inventory) -> Iterator[str]:
    """Shares and drivers fit the cards that the machine has."""
    for machine in inventory.machines:
        wish = machine.wish.gpu if machine.wish else None
        if wish is None:
            continue
        where = f"{machine.name}: homelab_node.gpu"
        if not machine.gpus:
            yield f"{where} is there, but homelab_machine.gpus names no GPU; describe it there, or remove the wish"
            continue
        yield from _shares(where, machine, wish)
        yield from _driver(where, machine, wish)


def _shares(where: str, machine: Machine, wish: GpuWish) -> Iterator[str]:
    for key, vendor, count in (("replicas", "nvidia", wish.replicas), ("shared", "intel", wish.shared)):
        if count is None:
            continue
        if not _cards(machine, vendor):
            yield f"{where}.{key} shares a GPU of {vendor}, and homelab_machine.gpus names none; remove it"
        if count > MOST_SHARES:
            yield (
                f"{where}.{key}: {count} pods on one GPU, expected at most {MOST_SHARES}, since each takes some "
                f"300 MiB of its memory before it does anything; write 1 to {MOST_SHARES}"
            )


def _driver(where: str, machine: Machine, wish: GpuWish) -> Iterator[str]:
    cards = _cards(machine, "nvidia")
    for key, value in (("branch", wish.branch), ("source", wish.source), ("kernel_module", wish.kernel_module)):
        if value and not cards:
            yield f"{where}.{key} is about NVIDIA's driver, and homelab_machine.gpus names no such card; remove it"
    number = int(wish.branch.partition("-")[0]) if wish.branch else None
    if number and number not in KNOWN_BRANCHES:
        known = ", ".join(map(str, KNOWN_BRANCHES))
        yield f"{where}.branch: '{wish.branch}' is no known branch of NVIDIA's driver; the branches are {known}"
        return
    for card in cards:
        family = family_of(card.pci_id) if card.pci_id else None
        if family:
            yield from _card_and_driver(where, card, family, number, wish.kernel_module or "proprietary")


def _card_and_driver(where: str, card: GpuCard, family: str, branch: int | None, module: str) -> Iterator[str]:
    first, last = BRANCHES[family]
    if branch and last and branch > last:
        yield f"{where}.branch: {branch} knows no {card.model} ({family}) any more; the last that does is {last}"
    elif branch and branch < first:
        yield f"{where}.branch: {branch} does not know {card.model} ({family}) yet; the first that does is {first}"
    if module == "open" and family in ONLY_PROPRIETARY:
        yield f"{where}.kernel_module: {card.model} is {family}, and the open module needs turing; write proprietary"
    elif module == "proprietary" and family in ONLY_OPEN:
        yield f"{where}.kernel_module: {card.model} ({family}) has the open module only; write kernel_module: open"


def _cards(machine: Machine, vendor: str) -> list[GpuCard]:
    return [card for card in machine.gpus if card.vendor == vendor]
