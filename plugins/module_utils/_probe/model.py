# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what a probe is to look at, and what its sides agree on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# What one host saw, as it travels to the controller: the keys are those of network_probe's return value.
Evidence = Mapping[str, Any]


@dataclass(frozen=True)
class Nic:
    """An interface as the inventory has it."""

    name: str | None
    mac: str | None
    speed: int | None
    primary: bool


@dataclass(frozen=True)
class Peer:
    """Another machine; with tunnel, one that VXLAN packets are exchanged with."""

    name: str
    address: str
    tunnel: bool


@dataclass(frozen=True)
class Service:
    """A TCP port that answers when all is well; host is a machine's name, or what the owner calls the place."""

    name: str
    host: str
    address: str
    port: int


@dataclass(frozen=True)
class Wanted:
    """Everything one host is to look at."""

    name: str
    address: str
    nics: tuple[Nic, ...] = ()
    gateway: str | None = None
    dns: tuple[str, ...] = ()
    dns_name: str = "example.net"
    ntp: tuple[str, ...] = ()
    pods: str | None = None
    container_network: str = ""
    peers: tuple[Peer, ...] = ()
    services: tuple[Service, ...] = ()
    tunnel: bool = False
    tunnel_port: int = 8472
    controller_time: float | None = None
    seconds: float = 8.0
    linger: float = 10.0
    # a lost SYN is sent again after one second, and after three
    patience: float = 3.5
