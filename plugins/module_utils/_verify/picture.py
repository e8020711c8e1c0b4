# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: machines with links, disks and GPUs, as the report draws them; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .model import BLIND, FAULTS, OK, Object, Row, World, found
from .storage import places, tiers_of

ROLES = (("k3s_server", "server"), ("k3s_agent", "worker"), ("storage_host", "storage"), ("hypervisor", "hypervisor"))


def picture(world: World, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One entry for each machine, servers first."""
    names = [*world.members("k3s_server"), *world.members("k3s_agent")]
    names += [name for name in sorted(world.machines) if name not in names]
    return [_machine(world, name, [row for row in rows if row.subject == name]) for name in names]


def _machine(world: World, name: str, rows: Sequence[Row]) -> dict[str, Any]:
    machine = world.machines[name]
    described = machine.get("homelab_machine") or {}
    groups = machine.get("group_names") or ()
    faults = [row for row in rows if row.status in FAULTS]
    return {
        "name": name,
        "roles": [word for group, word in ROLES if group in groups],
        "address": str(described.get("address") or ""),
        "model": " ".join(str(described[key]) for key in ("vendor", "product") if described.get(key)),
        "status": "bad" if faults else "ok",
        "faults": [row.check for row in faults],
        "hidden": any(row.status == BLIND for row in rows),
        "links": [_link(nic) for nic in described.get("nics") or ()],
        "disks": list(_disks(world, name, {row.check: row.status for row in rows})),
        "gpus": [str(card.get("model") or card.get("vendor")) for card in described.get("gpus") or ()],
    }


def _link(nic: Object) -> dict[str, str]:
    speed = nic.get("speed_mbps")
    words = "" if not speed else f"{speed / 1000:g} Gb/s" if speed >= 1000 else f"{speed} Mb/s"
    return {"name": str(nic.get("name")), "speed": words, "bus": str(nic.get("bus") or "")}


def _disks(world: World, name: str, states: dict[str, str]) -> Iterator[dict[str, str]]:
    """Disks of the tiers first, then what the description has beside them."""
    catalogue = world.site.get("homelab_tiers") or {}
    seen = (found(world, name, "disks") or {}).get("disks") or []
    told = 0
    for tier, count in tiers_of(world.wish(name)):
        wish = catalogue.get(tier) or {}
        state = states.get(f"tier-{tier}", "")
        if wish.get("directory"):
            yield {"title": f"{tier}: {wish['directory']}", "tier": tier, "status": state or OK}
            continue
        for place in places(wish, count) if wish.get("mount") else ():
            told += 1
            there = any(place in disk["mounts"] for disk in seen)
            yield {"title": f"{tier}: {place}", "tier": tier, "status": OK if there else state or OK}
    described = (world.machines[name].get("homelab_machine") or {}).get("disks") or ()
    for disk in described:
        if str(disk.get("slot")) == "system":
            size = disk.get("size_gb")
            title = f"{disk.get('model') or 'system disk'}{f', {size} GB' if size else ''}"
            yield {"title": title, "tier": "system", "status": OK}
