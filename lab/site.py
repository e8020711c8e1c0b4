# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab consists of, read from its inventory and nowhere else."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.command import Runner, must, run
from lab.errors import LabError

ROOT = Path(__file__).resolve().parents[1]
LABEL = "fletcherlabs.homelab.lab"


@dataclass(frozen=True)
class Machine:
    """One machine of the twin."""

    name: str
    address: str
    groups: tuple[str, ...]

    @property
    def is_member(self) -> bool:
        """Whether the machine is to be a cluster node."""
        return "k3s_cluster" in self.groups


@dataclass(frozen=True)
class Site:
    """A lab: its name, its network, its folder and its machines."""

    name: str
    subnet: ipaddress.IPv4Network
    inventory: Path
    admin_user: str
    k3s_version: str
    machines: tuple[Machine, ...]

    @property
    def state(self) -> Path:
        """Everything the lab keeps on this machine: keys, secrets, mirror, kubeconfig."""
        return ROOT / ".lab" / self.name

    @property
    def mirror_address(self) -> str:
        """Where the release mirror answers: the second host of the network (the first is the gateway)."""
        return str(self.subnet.network_address + 2)

    def container(self, machine: str) -> str:
        """The container that plays a machine."""
        return f"{self.name}-{machine}"


def load_site(inventory: Path, runner: Runner = run) -> Site:
    """Read the inventory as Ansible sees it; raise LabError for one that is not a lab's."""
    document = json.loads(must(runner, ["ansible-inventory", "-i", str(inventory), "--list"]))
    return site_from(document, inventory)


def site_from(document: Mapping[str, Any], inventory: Path) -> Site:
    """The site in ansible-inventory's answer."""
    hostvars: dict[str, dict[str, Any]] = document.get("_meta", {}).get("hostvars", {})
    if not hostvars:
        raise LabError(f"{inventory} has no machines; expected an inventory such as inventory/lab")
    first = next(iter(hostvars.values()))
    if "lab_name" not in first or "lab_subnet" not in first:
        raise LabError(f"{inventory} is not a lab's inventory; set lab_name and lab_subnet in its group_vars/all")
    subnet = ipaddress.IPv4Network(first["lab_subnet"])
    machines = tuple(
        Machine(name, str(values["homelab_machine"]["address"]), groups_of(document, name))
        for name, values in sorted(hostvars.items())
    )
    outside = [f"{m.name} ({m.address})" for m in machines if ipaddress.IPv4Address(m.address) not in subnet]
    if outside:
        raise LabError(
            f"{', '.join(outside)} lie outside the lab's network {subnet}; rebase the inventory into it, "
            "so that the twin can never reach the real machines"
        )
    return Site(
        first["lab_name"], subnet, inventory, first["homelab_admin_user"], first["homelab_k3s_version"], machines
    )


def groups_of(document: Mapping[str, Any], host: str) -> tuple[str, ...]:
    """Every group a host is in, directly or through children."""
    direct = {name for name, group in document.items() if host in group.get("hosts", [])}
    while True:
        parents = {name for name, group in document.items() if direct & set(group.get("children", []))}
        if parents <= direct:
            return tuple(sorted(direct - {"all"}))
        direct |= parents
