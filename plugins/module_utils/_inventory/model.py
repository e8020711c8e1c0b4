# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what an inventory says, typed. A value that could not be read is None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

SERVERS = "k3s_server"
WORKERS = "k3s_agent"
# The groups a description may name; playbooks know no others.
STORAGE_HOST = "storage_host"
HYPERVISOR = "hypervisor"
GROUPS = (SERVERS, WORKERS, HYPERVISOR, STORAGE_HOST)
KINDS = ("metal", "vm")
SYSTEMS = ("debian-12", "ubuntu-22.04", "ubuntu-24.04")
LAYERS = ("hosts", "cluster", "storage", "gpu", "network", "gitops", "vm")


@dataclass(frozen=True)
class Nic:
    """A network interface as found; mac in lower case with colons."""

    name: str | None
    mac: str | None
    primary: bool
    bus: str | None = None
    usb_id: str | None = None


@dataclass(frozen=True)
class Taint:
    """A taint a node should carry."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True)
class Tier:
    """A kind of storage of the site: on disks of its own, or a directory of the system disk."""

    name: str
    on_disks: bool
    storage_class: str | None
    replicas: int | None


@dataclass(frozen=True)
class TierWish:
    """A tier that a node should offer, with the number of its disks where it takes disks."""

    name: str
    count: int | None


@dataclass(frozen=True)
class Export:
    """A directory that a storage host exports."""

    path: str


@dataclass(frozen=True)
class GpuCard:
    """A GPU of a machine, as found."""

    vendor: str
    model: str
    pci_id: str | None


@dataclass(frozen=True)
class GpuWish:
    """What a node is to make of its GPUs: pods on each, and NVIDIA's driver."""

    replicas: int | None
    branch: str | None
    source: str | None
    kernel_module: str | None
    shared: int | None
    low_power_encode: bool


@dataclass(frozen=True)
class NetworkWish:
    """Whether a node's address is written down on it, and a second interface that stands in for the first."""

    static: bool
    bond: str | None = None
    backup: str | None = None


@dataclass(frozen=True)
class NodeWish:
    """What a cluster member should be in Kubernetes."""

    name: str
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    tiers: tuple[TierWish, ...]
    wipe: tuple[str, ...]
    gpu: GpuWish | None = None
    network: NetworkWish | None = None


@dataclass(frozen=True)
class Unknown:
    """A fact nobody recorded, and the layer that cannot be built without it."""

    machine: str
    fact: str
    needed_by: str | None
    question: str


@dataclass(frozen=True)
class Hypervisor:
    """What runs virtual machines on a machine."""

    product: str | None


@dataclass(frozen=True)
class VmWish:
    """What a virtual machine should be on its hypervisor."""

    id: int | None
    disk_gib: int | None


@dataclass(frozen=True)
class Machine:
    """One machine: as found, and as wanted."""

    name: str
    kind: str | None
    host: str | None
    address: IPv4Address | None
    nics: tuple[Nic, ...]
    groups: tuple[str, ...]
    wish: NodeWish | None
    unknowns: tuple[Unknown, ...]
    pools: tuple[str, ...] = ()
    exports: tuple[Export, ...] = ()
    gpus: tuple[GpuCard, ...] = ()
    hypervisor: Hypervisor | None = None
    vm: VmWish | None = None

    @property
    def node_name(self) -> str:
        """The name in Kubernetes."""
        return self.wish.name if self.wish else self.name

    @property
    def is_member(self) -> bool:
        """Whether the machine is to be a cluster node."""
        return SERVERS in self.groups or WORKERS in self.groups


@dataclass(frozen=True)
class GatewayWish:
    """The Gateway's address, and the BGP session with the router."""

    address: IPv4Address | None = None
    peer: IPv4Address | None = None
    local_asn: int | None = None
    peer_asn: int | None = None
    label: str = "bgp=enabled"


@dataclass(frozen=True)
class GitopsWish:
    """The repository that Flux follows, and the files that open it."""

    url: str = ""
    known_hosts: tuple[str, ...] = ()
    deploy_key: str = ""
    token: str = ""
    identity: str = ""


@dataclass(frozen=True)
class Site:
    """What all machines share."""

    network: IPv4Network | None
    gateway: IPv4Address | None
    load_balancer: IPv4Network | None
    pods: IPv4Network | None
    services: IPv4Network | None
    cluster_dns: IPv4Address | None
    api_address: IPv4Address | None
    api_virtual: IPv4Address | None
    tiers: tuple[Tier, ...]
    unknowns: tuple[Unknown, ...]
    default_class: str | None = None
    releases: Mapping[str, str] = field(default_factory=dict)
    gateway_wish: GatewayWish = GatewayWish()
    gitops_wish: GitopsWish = GitopsWish()
    encrypts_secrets: bool = False
    has_dns: bool = True


@dataclass(frozen=True)
class Inventory:
    """The whole document."""

    site: Site
    machines: tuple[Machine, ...]

    def in_group(self, group: str) -> list[Machine]:
        """The machines of a group."""
        return [machine for machine in self.machines if group in machine.groups]
