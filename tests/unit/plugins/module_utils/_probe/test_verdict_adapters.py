# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of adapters that come and go, and of a bond that outlives them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.verdict import judge
from tests.unit.plugins.module_utils._probe.town import Change, Network, bonded, own


def event(kind: str, line: str, ago: float, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "line": line, "seconds": 90000.0 - ago, "interface": None, "port": None, **more}


UNREGISTERED = "cdc_ether 1-1:1.0 eth0: unregister 'cdc_ether' usb-0000:00:01.0-1, CDC Ethernet Device"
ROWS: dict[str, tuple[list[Change], list[str]]] = {
    "an adapter that somebody pulled and put back": (
        [
            own(
                "k1",
                events=[
                    event("usb disconnect", "usb 1-1: USB disconnect, device number 2", 9.4, port="1-1"),
                    event("unregistered", UNREGISTERED, 9.3, interface="eth0"),
                ],
            )
        ],
        [],
    ),
    "an adapter that goes away again and again": (
        [own("k1", events=[event("unregistered", UNREGISTERED, ago, interface="eth0") for ago in (900, 120)])],
        [
            "k1: link eth0: the USB adapter went away 2 times in the last hour, last 2 min ago "
            f"('{UNREGISTERED}'): check cable and port, and that its power saving is off"
        ],
    ),
    "bond without its USB adapter": (
        [
            bonded("k1", None),
            own("k1", missing=["eth0"], events=[event("unregistered", UNREGISTERED, 130, interface="eth0")]),
        ],
        [
            f"k1: link bond0 runs on its backup eno1, for eth0 is gone from its bus (the kernel said '{UNREGISTERED}' "
            "2 min ago): plug the adapter in again, or correct homelab_machine.nics"
        ],
    ),
    "bond without its first cable": (
        [bonded("k1", {"carrier": False, "speed": None, "master": "bond0"})],
        ["k1: link bond0 runs on its backup eno1, for eth0 has no carrier: check cable, adapter and port"],
    ),
    "bond whose first interface nobody took up again": (
        [bonded("k1", {"master": None})],
        [
            "k1: link bond0 runs on its backup eno1, for eth0 is no part of it any more: have it taken up again "
            "(networkctl reconfigure eth0)"
        ],
    ),
    "bond on its first interface": ([bonded("k1", {"master": "bond0"}, active="eth0")], []),
}


@pytest.mark.parametrize("name", ROWS)
def test_judge(name: str) -> None:
    changes, lines = ROWS[name]
    network = Network()
    for change in changes:
        change(network)
    assert [verdict.line for verdict in judge(network.hosts())] == lines
