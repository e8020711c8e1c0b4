# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: a machine as it was found, and as the inventory describes it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """What a machine says of itself."""

    system: str
    architecture: str
    init: str
    python: tuple[int, int]
    hostname: str
    machine_id: str
    container: str | None
    macs: tuple[str, ...]
    memory_mib: int
    root_free_mib: int
    clock: float
    kubelet_link: str | None
    kubelet_mounts: tuple[str, ...]
    kubelet_fstab: tuple[str, ...]
    units: tuple[str, ...]


@dataclass(frozen=True)
class Expected:
    """What the inventory says of it, and how much it may differ."""

    name: str
    role: str
    system: str | None
    macs: tuple[str, ...]
    clock: float | None
    clock_limit: int
    root_free_mib: int


@dataclass(frozen=True)
class Verdict:
    """Reasons to stop, and differences worth knowing; one sentence each."""

    problems: tuple[str, ...]
    notices: tuple[str, ...]
