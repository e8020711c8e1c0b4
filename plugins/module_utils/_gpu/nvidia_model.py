# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what is found and wanted of an NVIDIA driver's packages on one host; plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Host:
    """The host as its package manager and its files describe it."""

    distribution: str  # as ID in os-release: ubuntu, debian
    release: str  # as VERSION_ID: 22.04, 12
    # name -> version of what is installed
    packages: Mapping[str, str] = field(default_factory=dict)
    # releases of kernels whose image is there, as in /boot/vmlinuz-RELEASE
    kernels: tuple[str, ...] = ()
    # files that NVIDIA's own installer left; no package owns them
    foreign_files: tuple[str, ...] = ()
    # components of the distribution that apt has without our help
    components: tuple[str, ...] = ()
    # name -> version that apt would install; a name that apt does not know is missing
    candidates: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Wish:
    """What the inventory asks for."""

    source: str  # distribution or nvidia
    branch: str = ""  # 580-server, 580, 535; empty: the default of distribution and source
    module: str = "proprietary"  # or open
    kernel: bool = True  # whether the host has a kernel of its own
    replace: bool = False  # whether packages of another branch may be removed


@dataclass(frozen=True)
class Plan:
    """What has to be installed and removed, or why nothing may be touched."""

    branch: str
    packages: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
