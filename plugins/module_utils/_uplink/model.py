# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: how a host is on the network, as wanted and as found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .._action import Action


class UplinkError(Exception):
    """The network of the host cannot be as wanted; one sentence per reason."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = list(reasons)


@dataclass(frozen=True)
class Nic:
    """An interface as the inventory has it."""

    name: str
    mac: str | None = None


@dataclass(frozen=True)
class Static:
    """An address that is written down; address with its prefix length."""

    address: str
    gateway: str
    dns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bond:
    """Two interfaces that carry one address, the second only while the first cannot."""

    name: str
    backup: Nic


@dataclass(frozen=True)
class Wanted:
    """Without static, the address comes from where it came from; without bond, it stays on the interface itself."""

    nic: Nic
    static: Static | None = None
    bond: Bond | None = None

    @property
    def carrier(self) -> str:
        """The device that is to carry the address."""
        return self.bond.name if self.bond else self.nic.name


@dataclass(frozen=True)
class Link:
    """A network device; mac is the one it was made with."""

    mac: str
    addresses: tuple[str, ...] = ()
    # file of networkd that configures it, and who else says that it does
    file: str = ""
    other_manager: str = ""
    master: str = ""
    mode: str = ""
    primary: str = ""


@dataclass(frozen=True)
class File:
    """A file as found."""

    content: str = field(repr=False)
    mode: int = 0o644


@dataclass(frozen=True)
class Found:
    """How the host is on the network."""

    links: Mapping[str, Link]
    # device and gateway of the default route
    default: tuple[str, str] | None = None
    networkd: bool = True
    files: Mapping[str, File] = field(default_factory=dict)
    # path -> definitions of netplan
    netplan: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    # MAC addresses of others that answered for the wanted address
    answered: tuple[str, ...] = ()
    containers: bool = False


@dataclass(frozen=True)
class Plan:
    """What is to be done; files that are switched to under the guard, and those that change nothing by themselves."""

    actions: tuple[Action, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    quiet: Mapping[str, str] = field(default_factory=dict)
    guarded: Mapping[str, File | None] = field(default_factory=dict)
    netplan: bool = False
