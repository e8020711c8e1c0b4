# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what networkd has to read for an uplink. Pure."""

from __future__ import annotations

import os

from .model import Link, Wanted

FOLDER = "/etc/systemd/network"
# Before every file of an owner or an installer, netplan's 10-netplan- too: the first that matches counts.
PREFIX = f"{FOLDER}/05-homelab-"
HEAD = "# Kept by fletcherlabs.homelab.node_network"
# The kernel drops every route of an interface that loses its last address. networkd takes a written address away and
# puts it back whenever the file of its interface has changed, unless it is told to keep it.
KEEP = f"""{HEAD}: a reload of networkd keeps the address, and with it the routes of others.
[Network]
KeepConfiguration=static
"""
BOND = f"""{HEAD}: the backup carries the traffic only while the first interface cannot.
[NetDev]
Name={{name}}
Kind=bond
MACAddress={{mac}}

[Bond]
Mode=active-backup
MIIMonitorSec=100ms
PrimaryReselectPolicy=always
FailOverMACPolicy=none
"""


def networkd_files(wanted: Wanted, mac: str) -> dict[str, str]:
    """Path -> content; mac is that of the first interface."""
    static = wanted.static
    if static is None:
        return {}
    lines = [f"{HEAD}.", "[Match]", f"Name={wanted.carrier}", "", "[Network]", f"Address={static.address}"]
    lines += [f"Gateway={static.gateway}", *(f"DNS={server}" for server in static.dns), "KeepConfiguration=static"]
    files = {f"{PREFIX}{wanted.carrier}.network": "\n".join(lines) + "\n"}
    if wanted.bond is not None:
        files[f"{PREFIX}{wanted.bond.name}.netdev"] = BOND.format(name=wanted.bond.name, mac=mac)
        files[f"{PREFIX}{wanted.nic.name}.network"] = _part(wanted.nic.name, wanted.bond.name, "PrimarySlave=yes\n")
        files[f"{PREFIX}{wanted.bond.backup.name}.network"] = _part(wanted.bond.backup.name, wanted.bond.name)
    return files


def _part(name: str, bond: str, more: str = "") -> str:
    return f"{HEAD}.\n[Match]\nName={name}\n\n[Network]\nBond={bond}\n{more}"


def keeping(link: Link) -> dict[str, str]:
    """Beside the file that configures a device: its address is kept through a reload. Effective at the next one."""
    if not link.file or link.file.startswith(PREFIX):
        return {}
    return keeping_beside(os.path.basename(link.file))


def keeping_beside(name: str) -> dict[str, str]:
    """The same for the file of a name; netplan's own lies in /run and is written anew at each boot."""
    return {f"{FOLDER}/{name}.d/homelab-uplink.conf": KEEP}
