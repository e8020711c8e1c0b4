# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the GPUs of a machine, its kernels and its drivers, as found; plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Firmware:
    """What the kernel says of one of Intel's microcontrollers."""

    file: str | None
    status: str


@dataclass(frozen=True)
class Ecc:
    """Error correction of a card's memory: now, and after the next boot."""

    current: bool | None
    pending: bool | None


@dataclass(frozen=True)
class Gpu:
    """One GPU on the PCI bus."""

    address: str
    vendor: str
    pci_id: str
    subsystem: str | None
    pci_class: str
    family: str | None
    model: str | None
    driver: str | None
    card: str | None = None
    render_node: str | None = None
    render_gid: int | None = None
    render_group: str | None = None
    guc: Firmware | None = None
    huc: Firmware | None = None
    uuid: str | None = None
    memory_mib: int | None = None
    ecc: Ecc | None = None

    @property
    def name(self) -> str:
        """What a person calls it, with the place it is in."""
        return f"{self.model or self.pci_id} at {self.address}"


@dataclass(frozen=True)
class KernelModule:
    """The nvidia module on disk, for one kernel."""

    kernel: str
    path: str
    version: str | None
    signed: bool | None


@dataclass(frozen=True)
class Answer:
    """What nvidia-smi said: its exit status, and what it complained of."""

    status: int
    complaint: str


@dataclass(frozen=True)
class Found:
    """All that was read of one machine."""

    gpus: tuple[Gpu, ...]
    running_kernel: str
    # those with an image in /boot, the newest last: it is what boots next
    kernels: tuple[str, ...] = ()
    modules: tuple[KernelModule, ...] = ()
    nvidia_loaded: str | None = None
    nvidia_open: bool | None = None
    nvidia_userland: tuple[str, ...] = ()
    nvidia_answer: Answer | None = None
    nouveau_loaded: bool = False
    # null where firmware of the older kind started the machine
    secure_boot: bool | None = None
    groups: Mapping[str, int] = field(default_factory=dict)
    enable_guc: int | None = None
    enable_guc_configured: int | None = None
    # paths below /lib/firmware that are there, of those that the kernel missed
    firmware_there: frozenset[str] = frozenset()

    @property
    def next_kernel(self) -> str | None:
        """The kernel that the next boot takes."""
        return self.kernels[-1] if self.kernels else None

    def module_of(self, kernel: str | None) -> KernelModule | None:
        """The nvidia module of one kernel."""
        return next((module for module in self.modules if module.kernel == kernel), None)


@dataclass(frozen=True)
class Declared:
    """A GPU as the inventory describes it."""

    vendor: str
    model: str
    pci_id: str | None


@dataclass(frozen=True)
class Verdict:
    """Sentences: against the inventory, about the driver, for a reboot, and against one."""

    problems: tuple[str, ...]
    driver_problems: tuple[str, ...]
    reboot_reasons: tuple[str, ...]
    reboot_blockers: tuple[str, ...]
