# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: a virtual machine as wanted, and a Proxmox VE node as found; plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Tags on a machine: that this collection looks after it, and that nobody has seen the end of its first boot yet.
OURS = "homelab"
FRESH = "homelab-new"
GIB = 1024**3


@dataclass(frozen=True)
class Image:
    """A cloud image, which the node downloads into a storage."""

    storage: str
    url: str = ""
    sha256: str = ""
    file: str = ""

    @property
    def volume(self) -> str:
        """What Proxmox calls it there."""
        return f"{self.storage}:import/{self.name}"

    @property
    def name(self) -> str:
        """Its file there; one of another content has another name. Proxmox takes disks for qcow2 by their names."""
        if self.file or not self.url:
            return self.file
        stem = self.url.rpartition("/")[2].partition("?")[0]
        for ending in (".img", ".qcow2"):
            stem = stem.removesuffix(ending)
        return f"{stem}-{self.sha256[:12]}.qcow2"


@dataclass(frozen=True)
class Wanted:
    """The machine of the inventory."""

    name: str
    node: str
    vmid: int  # 0: the next free one
    cores: int
    memory_mib: int
    disk_gib: int
    storage: str
    bridge: str
    image: Image
    address: str  # with the prefix length
    gateway: str
    user: str
    ssh_keys: tuple[str, ...]
    dns: tuple[str, ...] = ()
    search_domain: str = ""
    vlan: int = 0
    start_at_boot: bool = True
    start_order: int = 0
    adopt: bool = False
    restart: bool = False


@dataclass(frozen=True)
class Machine:
    """A line of the cluster's list."""

    vmid: int
    name: str
    node: str
    running: bool
    kind: str = "qemu"


@dataclass(frozen=True)
class Storage:
    """A storage as the node sees it."""

    kind: str
    content: tuple[str, ...]
    free: int

    @property
    def thin(self) -> bool:
        """Whether disks take room only as they are written."""
        return self.kind in ("lvmthin", "zfspool", "rbd")


@dataclass(frozen=True)
class Found:
    """What the API says."""

    version: str
    nodes: tuple[str, ...]
    machines: tuple[Machine, ...]
    next_id: int
    storages: Mapping[str, Storage]
    volumes: frozenset[str] = frozenset()
    config: Mapping[str, str] = field(default_factory=dict)
    # key -> what the machine gets at its next start
    pending: Mapping[str, str] = field(default_factory=dict)
    # path -> what the token may there
    privileges: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Action:
    """One thing to do, with its sentence."""

    kind: str
    sentence: str

    def as_dict(self, target: str) -> dict[str, str]:
        """For the module's result."""
        return {"kind": self.kind, "target": target, "sentence": self.sentence}


@dataclass(frozen=True)
class Plan:
    """What brings found to wanted, or why it must not be done."""

    vmid: int
    actions: tuple[Action, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    # keys of qm.conf(5) that change, with their values
    settings: Mapping[str, str] = field(default_factory=dict)
    disk: str = "scsi0"
    before: Mapping[str, object] = field(default_factory=dict)
    after: Mapping[str, object] = field(default_factory=dict)
