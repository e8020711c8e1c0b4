# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: whether what several hosts miss is missing, or only out of their reach."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import Fault, Host, Known


@dataclass(frozen=True)
class Outside:
    """A place that is no machine of the inventory, and the two sentences that may be said of it."""

    label: str
    address: str
    kind: tuple[int, int, str]
    common: str
    own: str


@dataclass(frozen=True)
class Circumstances:
    """Hosts with a fault of their own, and the gateway where it is dead: what lies behind it is not to blame."""

    hosts: Sequence[Host]
    known: Known
    dead_gateway: str | None

    def is_behind(self, address: str) -> bool:
        """Whether an address lies outside the hosts' network; of a name nobody knows."""
        first = next(iter(self.hosts)).wanted.address
        try:
            return ipaddress.ip_address(address) not in ipaddress.ip_network(f"{first}/24", strict=False)
        except ValueError:
            return True


def is_common(failed: Sequence[str], asked: Sequence[str], known: Known) -> bool:
    """Whether everybody failed whose own network is in order; with faults everywhere, whoever is not cut off."""
    sound = {name for name in asked if name not in known.suspects}
    if sound:
        return sound <= set(failed)
    connected = {name for name in asked if name not in known.cut_off}
    return len(connected) > 1 and connected <= set(failed)


def shared(place: Outside, failed: Sequence[str], asked: Sequence[str], around: Circumstances) -> list[Fault]:
    """Faults of the place when nobody reaches it, else of those who do not."""
    if not failed:
        return []
    if around.dead_gateway is not None and around.is_behind(place.address):
        return [Fault(around.dead_gateway, *place.kind, place.common, len(failed))]
    if is_common(failed, asked, around.known):
        return [Fault(place.label, *place.kind, place.common, len(failed))]
    return [Fault(name, *place.kind, place.own) for name in failed]
