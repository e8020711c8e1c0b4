# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what of K3s and Cilium is on a host, and the steps that take it away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

DATA = "/var/lib/rancher/k3s"
KUBELET = "/var/lib/kubelet"
STAMPS = "/var/lib/fletcherlabs-homelab"
NODE_PASSWORD = "/etc/rancher/node"
# Volumes of K3s' local-path provisioner: somebody's data, and of use again when the node is built anew.
LOCAL_VOLUMES = f"{DATA}/storage"
# In /run, so that the next boot takes it away: says that a boot is due, also to a run after an interrupted one.
REBOOT_MARK = "/run/fletcherlabs-homelab/reboot"


class ResetError(Exception):
    """The host cannot be reset; one sentence per reason."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = list(reasons)


@dataclass(frozen=True)
class Wish:
    """What the caller asks for."""

    host: str
    confirm: str
    erase_datastore: bool = False
    forget_node_password: bool = False


@dataclass(frozen=True)
class Mount:
    """One line of /proc/self/mountinfo; root is the mounted directory within its file system."""

    number: int
    parent: int
    device: str
    root: str
    point: str
    kind: str
    source: str


@dataclass(frozen=True)
class FstabLine:
    """One mount that the next boot would make."""

    number: int
    source: str
    point: str
    kind: str


@dataclass(frozen=True)
class Rule:
    """One routing rule, as far as it decides whether Cilium made it."""

    family: str  # -4 | -6
    priority: int
    mark: str
    table: str
    # selects nothing: from all, to all, no interface, no mark
    plain: bool

    @property
    def selector(self) -> tuple[str, ...]:
        """Arguments that name this rule, and no other, to ip(8)."""
        mark = ("fwmark", self.mark) if self.mark else ()
        return ("priority", str(self.priority), *mark, "lookup", self.table)


@dataclass(frozen=True)
class Unit:
    """A unit of K3s as systemd sees it."""

    name: str
    loaded: bool
    active: str


@dataclass(frozen=True)
class Process:
    """A process that belongs to a container of K3s, or to its containerd."""

    number: int
    name: str


@dataclass(frozen=True)
class Found:
    """The host; paths are those that are there, out of the ones that a reset knows."""

    mounts: tuple[Mount, ...] = ()
    fstab: tuple[FstabLine, ...] = ()
    # path -> what it points to, for paths and their parents that should be none
    symlinks: dict[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()  # (family, table)
    # program that saves -> its output, where that has lines of ours
    packet_filters: dict[str, str] = field(default_factory=dict)
    units: tuple[Unit, ...] = ()
    processes: tuple[Process, ...] = ()
    # outermost paths to remove, in no order
    paths: frozenset[str] = frozenset()
    # directories to remove once nothing is left in them -> what is in them
    containers: dict[str, frozenset[str]] = field(default_factory=dict)
    # parts of a server that are on this host
    datastore: tuple[str, ...] = ()
    reboot_due: bool = False


@dataclass(frozen=True)
class Action:
    """One step; arguments are what the applier needs beyond the target."""

    kind: str
    target: str
    sentence: str
    arguments: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, str]:
        """What the user sees of this step."""
        return {"kind": self.kind, "target": self.target, "sentence": self.sentence}
