# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: everything one host can see of the network, within a time limit, changing nothing."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nfs.look import ping
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe import (
    check_dns,
    check_echo,
    check_tcp,
    check_time,
    read_arp,
    read_link,
    read_routes,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.exchange import Wire, exchange, linger
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.look_local import local
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Service, Wanted
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.parallel import gather

SMALL = 64
BIG_COUNT = 4
# Where Cilium has the host's own address among the pods'.
TUNNEL = "cilium_host"
INSIDE_PATIENCE = 0.5
# The exchange with a silent peer is over before the time is, so that a busy machine still tells of it.
OF_TIME = 0.75

Checks = Mapping[str, Callable[[], Any]]


def full(wanted: Wanted, root: Path) -> dict[str, Any]:
    """Also what the wire, the peers and the services say."""
    began = time.monotonic()
    evidence = local(wanted, root)
    device = _carrier_device(wanted) or evidence["interface"]
    results, errors = gather(_checks(wanted, root, device, evidence), wanted.seconds)
    after = read_link.links(root).get(evidence["interface"] or "", {})
    return {
        **evidence,
        **{name: results.get(name) for name in ("arp", "small", "big", "exchange")},
        "dns": {server: results.get(f"dns {server}") for server in _resolvers(wanted, root)},
        "ntp": {server: results.get(f"ntp {server}") for server in wanted.ntp},
        "tcp": [
            {"service": each.name, "host": each.host, "address": each.address, "port": each.port,
             "result": results.get(f"tcp {each.address} {each.port}", "timeout")}
            for each in wanted.services
        ],
        "increase": _increase(evidence["links"].get(evidence["interface"]), after),
        "unfinished": errors,
        "seconds": round(time.monotonic() - began, 2),
    }  # fmt: skip


def _carrier_device(wanted: Wanted) -> str | None:
    # with a bond the address sits above the interface of the inventory
    return next((entry["device"] for entry in read_routes.addresses() if entry["address"] == wanted.address), None)


def _resolvers(wanted: Wanted, root: Path) -> list[str]:
    servers = [server for server in check_dns.configured(root) if not server.startswith("127.")]
    return sorted({*wanted.dns, *servers})


def _checks(wanted: Wanted, root: Path, device: str | None, evidence: Mapping[str, Any]) -> Checks:
    addresses = [peer.address for peer in wanted.peers]
    mtu = (read_link.links(root).get(device or "") or {}).get("mtu") or 1500
    checks: dict[str, Callable[[], Any]] = {
        "small": partial(check_echo.echo, addresses, SMALL),
        "big": partial(check_echo.echo, addresses, mtu, BIG_COUNT),
    }
    for server in _resolvers(wanted, root):
        checks[f"dns {server}"] = partial(check_dns.ask, server, wanted.dns_name)
    for server in wanted.ntp:
        checks[f"ntp {server}"] = partial(check_time.offset, server)
    for each in wanted.services:
        checks[f"tcp {each.address} {each.port}"] = partial(_connect, each, wanted.patience)
    if device is not None:
        checks["arp"] = partial(_arp, wanted, device)
        if wanted.tunnel:
            checks["exchange"] = partial(_exchange, wanted, device)
    return checks


def _connect(each: Service, patience: float) -> str:
    """What becomes of a connection; NFS is asked besides: the kernel takes connections while all its threads hang."""
    end = time.monotonic() + patience
    result = check_tcp.connect(each.address, each.port, patience)
    if result != "open" or each.name != "nfs":
        return result
    problem = ping(each.address, max(0.1, end - time.monotonic()), each.port)
    return "silent" if problem and time.monotonic() >= end else "open"


def _arp(wanted: Wanted, device: str) -> dict[str, list[str]]:
    entry = next(entry for entry in read_routes.addresses() if entry["address"] == wanted.address)
    network = ipaddress.ip_network(f"{wanted.address}/{entry['length']}", strict=False)
    others = [wanted.gateway or wanted.address, *(peer.address for peer in wanted.peers)]
    targets = [address for address in [wanted.address, *others] if ipaddress.ip_address(address) in network]
    mac = (Path("/sys/class/net") / device / "address").read_text().strip()
    return read_arp.who_has(device, mac, wanted.address, targets)


def _exchange(wanted: Wanted, device: str) -> dict[str, Any]:
    own = [entry["address"] for entry in read_routes.addresses() if entry["device"] == TUNNEL]
    wire = Wire(wanted.tunnel_port, device, *own[:1])
    try:
        result = exchange(wire, [peer.address for peer in wanted.peers if peer.tunnel], wanted.seconds * OF_TIME)
        linger(wire, wanted.linger)
    finally:
        wire.close()
    told = result.pop("told")
    if own and told:
        answers = check_echo.echo(told.values(), SMALL, BIG_COUNT, INSIDE_PATIENCE)
        result["inside"] = {address: answers[inside]["answered"] for address, inside in told.items()}
    return result


def _increase(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, int]:
    """Counters that grew while the probe ran."""
    if not before or not after:
        return {}
    grown = {name: after["errors"][name] - count for name, count in before["errors"].items()}
    grown["carrier_changes"] = (after["carrier_changes"] or 0) - (before["carrier_changes"] or 0)
    return {name: count for name, count in grown.items() if count > 0}
