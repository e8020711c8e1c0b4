# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what the check returns, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import SERVERS, Inventory, Unknown


def complaint(problems: Sequence[str]) -> str:
    """All problems as one message."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return "\n- ".join([f"the inventory has {count}:", *problems])


def as_data(unknown: Unknown) -> Mapping[str, object]:
    """An open question as a mapping."""
    return asdict(unknown)


def as_question(unknown: Unknown) -> str:
    """An open question for a person to answer."""
    return f"[{unknown.needed_by}] {unknown.machine}: {unknown.question} ({unknown.fact})"


def summary(inventory: Inventory) -> Mapping[str, Mapping[str, object]]:
    """Each machine in short."""
    return {
        machine.name: {
            "address": str(machine.address) if machine.address else None,
            "node": machine.node_name if machine.is_member else None,
            "role": ("server" if SERVERS in machine.groups else "agent") if machine.is_member else "none",
            "macs": [nic.mac for nic in machine.nics if nic.mac],
        }
        for machine in inventory.machines
    }
