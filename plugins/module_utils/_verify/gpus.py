# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: rows about GPUs, on the bus and in the cluster; pure."""

from __future__ import annotations

from collections.abc import Iterator

from .model import UNKNOWN, Row, World, failure, found, verdict

# Older drivers of Intel's GPUs are i915, newer xe; the plugin names the resource after them.
RESOURCES = {"nvidia": ("nvidia.com/gpu", "nvidia.com/gpu.shared"), "intel": ("gpu.intel.com/i915", "gpu.intel.com/xe")}
SHARES = {"nvidia": "replicas", "intel": "shared"}


def rows(world: World) -> Iterator[Row]:
    """Cards and what pods may ask for, of each node that is described with GPUs, or has some."""
    for machine in world.members():
        if not world.hidden(machine):
            yield from _cards(world, machine)
        if not world.silence:
            yield from _allocatable(world, machine)


def _declared(world: World, machine: str) -> list[str]:
    cards = (world.machines[machine].get("homelab_machine") or {}).get("gpus") or ()
    return [str(card["vendor"]) for card in cards]


def _cards(world: World, machine: str) -> Iterator[Row]:
    look, declared = found(world, machine, "gpus"), _declared(world, machine)
    if look is None:
        if declared:
            yield Row("gpu", machine, "cards", UNKNOWN, f"could not be looked at: {failure(world, machine, 'gpus')}")
        return
    problems = [*(look.get("problems") or ()), *(look.get("driver_problems") or ())]
    problems += [f"{why}; do not reboot it before" for why in look.get("reboot_blockers") or ()]
    if declared or problems:
        yield verdict("gpu", machine, "cards", problems, f"{len(declared)} GPU of {', '.join(sorted(set(declared)))}")


def _allocatable(world: World, machine: str) -> Iterator[Row]:
    node = world.named("nodes").get(world.node_name(machine)) or {}
    offers = (node.get("status") or {}).get("allocatable") or {}
    declared = _declared(world, machine)
    for vendor in sorted(set(declared) & set(RESOURCES)):
        share = int((world.wish(machine).get("gpu") or {}).get(SHARES[vendor]) or 1)
        wanted, names = declared.count(vendor) * share, RESOURCES[vendor]
        name = next((name for name in names if name in offers), names[0])
        has = int(offers.get(name) or 0)
        problems = (
            []
            if has == wanted
            else [
                f"offers {has} of {name}, expected {wanted}; look at the device plugin's pod on {machine}: "
                "ansible-playbook playbooks/gpu.yml"
            ]
        )
        yield verdict("gpu", machine, f"allocatable-{vendor}", problems, f"offers {wanted} of {name}")
