# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real networkd does to a node of Cilium, with and without the guards of node_base, and the verdict on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from shlex import quote

from tests.town import Town
from tests.twin import ROOT

TEMPLATE = ROOT / "roles" / "node_base" / "templates" / "networkd.conf.j2"
GUARDS = "/etc/systemd/networkd.conf.d/homelab.conf"
UPLINK = "/etc/systemd/network/50-uplink.network"
UNIT = "[Match]\nName=uplink0\n[Network]\nAddress=192.0.2.2/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"
SETTLED = "until networkctl list --no-legend uplink0 | grep -qw configured; do sleep 0.2; done; sleep 1"
RESTART = f"systemctl restart systemd-networkd.service; {SETTLED}"
# what `netplan apply` comes to: the file of an interface is written again, and networkd reads it
RELOAD = f"touch {UPLINK}; networkctl reload; sleep 1; {SETTLED}"


@contextlib.contextmanager
def node_of_cilium(town: Town, name: str, guards: str = "") -> Iterator[None]:
    """An interface that networkd configures, and the rule for table local where Cilium has it."""
    begin = (
        "set -e; mkdir -p /etc/systemd/networkd.conf.d",
        *([f"printf %s {quote(guards)} > {GUARDS}"] if guards else []),
        f"printf %s {quote(UNIT)} > {UPLINK}",
        "ip link add uplink0 type veth peer name uplink1",
        "ip link set uplink1 up",
        RESTART,
        "ip rule add priority 100 lookup local",
        "ip rule del priority 0",
    )
    end = (
        "ip rule add priority 0 lookup local",
        "ip rule del priority 100 2>/dev/null",
        f"rm -f {GUARDS} {UPLINK}",
        "systemctl stop systemd-networkd.socket systemd-networkd.service",
        "ip link del uplink0",
    )
    with town.fault(name, " && ".join(begin), "; ".join(end), inside=True):
        yield


def test_rules_that_networkd_flushes_and_those_that_the_guards_keep(town: Town) -> None:
    with (
        node_of_cilium(town, "k3s1", TEMPLATE.read_text()),
        node_of_cilium(town, "k3s2"),
        node_of_cilium(town, "k3s3"),
    ):
        town.inside("k3s1", f"{RELOAD}; {RESTART}")
        town.inside("k3s2", RELOAD)
        town.inside("k3s3", RESTART)
        _run, verdicts = town.diagnose(*town.by_console())
        kept = {name: "100:" in town.inside(name, "ip rule") for name in ("k3s1", "k3s2", "k3s3")}
    # a restart alone takes nothing away (systemd 252)
    assert kept == {"k3s1": True, "k3s2": False, "k3s3": True}
    (verdict,) = verdicts
    assert verdict["line"].startswith("k3s2: no routing rule looks up table local")
    assert "later failures follow from this" in verdict["line"]
