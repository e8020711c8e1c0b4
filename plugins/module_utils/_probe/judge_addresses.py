# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: two machines on one address."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import Fault, Host, names
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Evidence


def address_faults(hosts: Sequence[Host]) -> tuple[list[Fault], dict[str, str]]:
    """Faults, and victim -> who took its address, so that what the victim suffers counts as the other's."""
    owners = {host.wanted.address: host.name for host in hosts}
    taken: dict[str, str] = {}
    faults = []
    for host in hosts:
        for entry in (host.evidence or {}).get("addresses") or []:
            victim = owners.get(entry["address"], host.name)
            if victim != host.name:
                taken[victim] = host.name
                faults.append(_thief(host.name, victim, entry["address"], entry["device"]))
    for host in hosts:
        strangers = sorted(_strangers(host, hosts)) if host.name not in taken else []
        if strangers:
            faults.append(
                Fault(
                    host.name, 2, 0, "duplicate ip",
                    f"{host.wanted.address} is also the address of {names(strangers)}, which no machine of the "
                    "inventory has: find that device, and give one of them another address",
                )
            )  # fmt: skip
    return faults, taken


def _thief(name: str, victim: str, address: str, device: str) -> Fault:
    return Fault(
        name, 2, 0, "duplicate ip",
        f"it has {address} on {device}, which is the address of {victim}: remove it there, or correct the inventory",
    )  # fmt: skip


def _strangers(host: Host, hosts: Sequence[Host]) -> Iterator[str]:
    """MAC addresses that answer for the host's address and are not its own."""
    views: list[Evidence] = [each.evidence for each in hosts if each.evidence is not None]
    known = {mac for evidence in views for mac in evidence["macs"]}
    answers: set[str] = set()
    for view in views:
        found = set((view.get("arp") or {}).get(host.wanted.address) or [])
        # whoever cannot be asked may have any one address
        answers |= found if host.evidence is not None or len(found) > 1 else set()
    yield from answers - (known if host.evidence is not None else set())
