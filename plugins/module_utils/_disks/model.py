# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what a machine's disks are, what is wanted of them, and what is to be done."""

from __future__ import annotations

from dataclasses import dataclass, field

MIB = 1024 * 1024

# A file system is made this much smaller than its disk; the free tail holds the claim while the file system is being
# made.
TAIL = MIB

# ext4 and XFS both fit; mkfs.xfs refuses data areas under 300 MiB since xfsprogs 5.19.
SMALLEST = {"ext4": 16 * MIB, "xfs": 320 * MIB}


@dataclass(frozen=True)
class Signature:
    """One mark that some software left on a disk or on one of its partitions."""

    kind: str
    place: str
    label: str = ""
    uuid: str = ""

    def __str__(self) -> str:
        return f"{self.kind} '{self.label}'" if self.label else self.kind


@dataclass(frozen=True)
class Filesystem:
    """A file system that fills a disk, as its own superblock tells it."""

    kind: str
    label: str
    uuid: str
    # True while nothing can ever have been stored in it: never mounted and empty, or not finished by its maker.
    pristine: bool = False


@dataclass(frozen=True)
class Claim:
    """The record in a disk's tail which says that we began to make a file system on a disk we had found blank."""

    label: str
    uuid: str
    filesystem: str
    serial: str


@dataclass(frozen=True)
class Contents:
    """What reading a disk shows."""

    signatures: tuple[Signature, ...] = ()
    filesystem: Filesystem | None = None
    claim: Claim | None = None
    # Offsets of sampled areas that hold anything but zeros (the claim itself not counted).
    data_at: tuple[int, ...] = ()
    # The first 4 KiB are zero: no boot record, no label, no header of anything that keeps one at the start.
    head_blank: bool = True


@dataclass(frozen=True)
class Usage:
    """Who uses a disk, or anything built on it, right now."""

    system: bool = False
    mounts: tuple[str, ...] = ()
    swaps: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    # The kernel refused an exclusive open: somebody holds it, even if nothing above names them.
    busy: bool = False


@dataclass(frozen=True)
class Disk:
    """One whole disk. Its kernel name is for today's commands and for messages only, never for choosing."""

    name: str
    path: str
    number: str
    size: int
    serial: str = ""
    wwn: str = ""
    transport: str = ""
    vendor: str = ""
    model: str = ""
    rotational: bool = False
    removable: bool = False
    read_only: bool = False
    pci_id: str = ""
    pci_address: str = ""
    partitions: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    contents: Contents = field(default_factory=Contents)
    # Empty: not known or passed. Otherwise what the disk says about itself.
    failing: str = ""
    # Empty: its contents could be read. Otherwise why not; such a disk is never written.
    unreadable: str = ""

    @property
    def title(self) -> str:
        name = " ".join(part for part in (self.vendor, self.model) if part) or "disk"
        return f"{name} (serial {self.serial or 'none'}, now {self.name})"


@dataclass(frozen=True)
class MountPoint:
    """A directory where a file system is wanted, as found."""

    path: str
    # absent | directory | other (a file, a symbolic link)
    kind: str = "absent"
    entries: int = 0
    # None: this file system cannot carry the mark.
    immutable: bool | None = False
    # Kernel number (major:minor) of what is mounted there; empty when nothing is.
    mounted: str = ""
    mount_options: tuple[str, ...] = ()
    uid: int = 0
    gid: int = 0
    mode: int = 0o755


@dataclass(frozen=True)
class FstabLine:
    """One entry of /etc/fstab; raw text is kept so that lines of others survive unchanged."""

    raw: str
    spec: str = ""
    mount: str = ""
    kind: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """Everything the planner may know of a machine."""

    disks: tuple[Disk, ...] = ()
    mount_points: tuple[MountPoint, ...] = ()
    fstab: tuple[FstabLine, ...] = ()


@dataclass(frozen=True)
class Selector:
    """Facts that choose disks. An empty tuple or None does not restrict."""

    transport: tuple[str, ...] = ()
    vendor: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    serial: tuple[str, ...] = ()
    wwn: tuple[str, ...] = ()
    pci_id: tuple[str, ...] = ()
    size_min: int | None = None
    size_max: int | None = None
    rotational: bool | None = None


@dataclass(frozen=True)
class Tier:
    """A number of alike disks, each with a file system of its own."""

    name: str
    count: int
    select: Selector
    mount: str
    filesystem: str = "ext4"
    options: tuple[str, ...] = ()
    uid: int = 0
    gid: int = 0
    mode: int = 0o755
    reserve: int = 0

    def label(self, slot: int) -> str:
        return f"{self.name}-{slot}"

    def mount_at(self, slot: int) -> str:
        return self.mount.replace("{n}", str(slot))


@dataclass(frozen=True)
class Layout:
    """The whole wanted layout of one machine."""

    tiers: tuple[Tier, ...] = ()
    # Serials of disks whose contents may be erased.
    wipe: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Volume:
    """One slot of a tier together with the disk that fills it."""

    tier: Tier
    slot: int
    serial: str
    uuid: str

    @property
    def label(self) -> str:
        return self.tier.label(self.slot)

    @property
    def mount(self) -> str:
        return self.tier.mount_at(self.slot)


@dataclass(frozen=True)
class Action:
    """One step. `message` is for people; everything apply needs is in `volume` and `disk`."""

    kind: str
    volume: Volume
    disk: Disk
    message: str

    @property
    def target(self) -> str:
        return self.volume.label


@dataclass(frozen=True)
class Refusal:
    """Why nothing at all is written."""

    tier: str
    message: str
    serial: str = ""


@dataclass(frozen=True)
class Missing:
    """A slot that once had a disk and has none now."""

    tier: str
    slot: int
    mount: str
    message: str


@dataclass(frozen=True)
class Plan:
    """Either actions or refusals, never both."""

    actions: tuple[Action, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    missing: tuple[Missing, ...] = ()
    volumes: tuple[Volume, ...] = ()
    warnings: tuple[str, ...] = ()
