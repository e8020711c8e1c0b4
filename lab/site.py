# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab consists of, read from its inventory and nowhere else."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.command import ROOT as ROOT
from lab.command import Runner, must, run
from lab.errors import LabError

LABEL = "fletcherlabs.homelab.lab"
# The name becomes a folder that is removed whole, a network and the beginning of container names.
NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")
# Folders in .lab that belong to all labs.
SHARED_FOLDERS = ("bin", "downloads", "vm-images")
BACKENDS = ("container", "vm")
WANTED = ("lab_name", "lab_subnet", "homelab_admin_user", "homelab_k3s_version")


@dataclass(frozen=True)
class Machine:
    """One machine of the twin."""

    name: str
    address: str
    groups: tuple[str, ...]
    # what the inventory says of it, for the backend that emulates hardware
    variables: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_member(self) -> bool:
        """Whether the machine is to be a cluster node."""
        return "k3s_cluster" in self.groups

    @property
    def by_hypervisor(self) -> bool:
        """Whether the stand-in of a hypervisor makes it, when a playbook asks for it, and not the lab."""
        return bool(self.variables.get("lab_pve")) and self.variables.get("homelab_machine", {}).get("kind") == "vm"


@dataclass(frozen=True)
class Site:
    """A lab: its name, its network, its folder and its machines."""

    name: str
    subnet: ipaddress.IPv4Network
    inventory: Path
    admin_user: str
    k3s_version: str
    machines: tuple[Machine, ...]
    # container, or vm for virtual machines (lab_backend in the inventory)
    backend: str = "container"

    @property
    def has_pve(self) -> bool:
        """Whether a stand-in of the Proxmox VE API belongs to the lab (lab_pve in the inventory)."""
        return any(machine.variables.get("lab_pve") for machine in self.machines)

    @property
    def state(self) -> Path:
        """Everything the lab keeps on this machine: keys, secrets, mirror, kubeconfig."""
        return ROOT / ".lab" / self.name

    @property
    def gateway(self) -> str:
        """This machine, as seen from the lab."""
        return str(self.subnet.network_address + 1)

    @property
    def mirror_address(self) -> str:
        """Where the release mirror answers: the second host of the network."""
        return str(self.subnet.network_address + 2)

    def container(self, machine: str) -> str:
        """The container that plays a machine."""
        return f"{self.name}-{machine}"


def load_site(inventory: Path, runner: Runner = run) -> Site:
    """Read the inventory as Ansible sees it; raise LabError for one that is not a lab's."""
    path = inventory.resolve()
    if path.is_relative_to(ROOT):
        path = path.relative_to(ROOT)
    document = json.loads(must(runner, ["ansible-inventory", "-i", str(path), "--list"]))
    return site_from(with_version(document, path, runner), path)


def with_version(document: dict[str, Any], inventory: Path, runner: Runner = run) -> dict[str, Any]:
    """The document with the K3s version itself, since ansible-inventory prints templates as they are."""
    hostvars: dict[str, dict[str, Any]] = document.get("_meta", {}).get("hostvars", {})
    name = next((name for name, values in hostvars.items() if "{{" in str(values.get("homelab_k3s_version"))), None)
    if name is None:
        return document
    show = ["-m", "ansible.builtin.debug", "-a", "var=homelab_k3s_version"]
    answer = must(runner, ["ansible", "-i", str(inventory), "-o", name, *show])
    found = re.search(r'"homelab_k3s_version": "([^"{]+)"', answer)
    if not found:
        raise LabError(f"{inventory} names no homelab_k3s_version: {answer.strip()}; correct homelab_release_set")
    for values in hostvars.values():
        values["homelab_k3s_version"] = found[1]
    return document


def site_from(document: Mapping[str, Any], inventory: Path) -> Site:
    """The site in ansible-inventory's answer."""
    hostvars: dict[str, dict[str, Any]] = document.get("_meta", {}).get("hostvars", {})
    if not hostvars:
        raise LabError(f"{inventory} has no machines; expected an inventory such as inventory/lab")
    first = next(iter(hostvars.values()))
    missing = [name for name in WANTED if name not in first]
    if missing:
        raise LabError(f"{inventory} is not a lab's inventory; set {', '.join(missing)} in its group_vars/all")
    machines = tuple(
        Machine(name, str(values.get("homelab_machine", {}).get("address")), groups_of(document, name), values)
        for name, values in sorted(hostvars.items())
    )
    site = Site(
        first["lab_name"], _subnet(first["lab_subnet"]), inventory, first["homelab_admin_user"],
        first["homelab_k3s_version"], machines, first.get("lab_backend", "container"),
    )  # fmt: skip
    problems = _problems(site)
    if problems:
        raise LabError(f"{inventory} cannot become a lab: {'; '.join(problems)}")
    return site


def _subnet(text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        raise LabError(f"lab_subnet: {error}; expected an IPv4 network such as 198.18.10.0/24") from error


def _problems(site: Site) -> list[str]:
    problems = []
    if not NAME.fullmatch(site.name) or site.name in SHARED_FOLDERS:
        problems.append(f"lab_name '{site.name}' is not a short lower-case name such as homelab")
    if site.backend not in BACKENDS:
        problems.append(f"lab_backend is '{site.backend}', expected {' or '.join(BACKENDS)}")
    for machine in site.machines:
        try:
            inside = ipaddress.IPv4Address(machine.address) in site.subnet
        except ValueError:
            problems.append(f"{machine.name} has no IPv4 address in homelab_machine.address ({machine.address})")
            continue
        if not inside:
            problems.append(
                f"{machine.name} ({machine.address}) lies outside the lab's network {site.subnet}: rebase the "
                "inventory into it, so that the twin can never reach the real machines"
            )
        if machine.address in (site.gateway, site.mirror_address):
            problems.append(f"{machine.name} has {machine.address}, which the lab needs for its gateway or its mirror")
    return problems


def groups_of(document: Mapping[str, Any], host: str) -> tuple[str, ...]:
    """Every group a host is in, directly or through children."""
    direct = {name for name, group in document.items() if host in group.get("hosts", [])}
    while True:
        parents = {name for name, group in document.items() if direct & set(group.get("children", []))}
        if parents <= direct:
            return tuple(sorted(direct - {"all"}))
        direct |= parents
