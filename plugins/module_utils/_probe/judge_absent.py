# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: machines that could not be asked, by what their peers see of them."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import Fault, Host, names
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Evidence


def absent_faults(hosts: Sequence[Host]) -> list[Fault]:
    """One fault for each machine without evidence; every check of a peer's that failed at it counts."""
    seen = {host.name: host.evidence for host in hosts if host.evidence is not None}
    return [_fault(host, seen) for host in hosts if host.evidence is None]


def _fault(host: Host, seen: dict[str, Evidence]) -> Fault:
    address = host.wanted.address
    arp = {name: view["arp"][address] for name, view in seen.items() if address in (view.get("arp") or {})}
    echoes = {
        name: view["small"][address]["answered"] for name, view in seen.items() if address in (view.get("small") or {})
    }
    ports = [entry for view in seen.values() for entry in view.get("tcp") or [] if entry["host"] == host.name]
    ssh = {entry["result"] for entry in ports if entry["service"] == "ssh"}
    failed = sum(not macs for macs in arp.values()) + sum(not count for count in echoes.values())
    checks = 1 + failed + sum(entry["result"] != "open" for entry in ports)
    layer, rank, kind, sentence = _verdict(address, arp, echoes, ssh)
    return Fault(host.name, layer, rank, kind, sentence, checks)


def _verdict(
    address: str, arp: dict[str, list[str]], echoes: dict[str, int], ssh: set[str]
) -> tuple[int, int, str, str]:
    if not arp and not echoes:
        return (
            4,
            0,
            "unreachable",
            "cannot be reached, and no other machine could be asked: check the controller's network",
        )
    if arp and not any(arp.values()):
        who = names(list(arp))
        return (
            1,
            0,
            "dead",
            f"cannot be reached, and {who} get no answer to ARP for {address}: check power, cable and port",
        )
    if echoes and not any(echoes.values()):
        return (
            3, 1, "deaf",
            f"cannot be reached; it answers ARP but no packet to {address}: check its routing rules (ip rule), routes "
            "and packet filter",
        )  # fmt: skip
    if ssh and "open" not in ssh:
        return 4, 0, "ssh", f"cannot be reached by SSH ({names(sorted(ssh))}), though it answers pings: check sshd"
    return (
        4, 0, "login",
        "cannot be reached by Ansible, though its peers do reach it: check key, host key, Python and routes",
    )  # fmt: skip
