# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: who reaches whom, one cell for each pair, as text and as data for the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import Host
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.judge_local import local_faults
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.judge_pairs import LOST
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Evidence

Failure = tuple[int, str, str]


@dataclass(frozen=True)
class Cell:
    """The lowest layer at which one place is not reached from another: 0 when it is, None when nobody looked."""

    layer: int | None
    short: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class Matrix:
    """Rows are the machines that look, columns the places looked at."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: dict[tuple[str, str], Cell]


def matrix(hosts: Sequence[Host]) -> Matrix:
    """The matrix of all machines, the gateway, and what else they were to reach."""
    machines = [host.name for host in hosts]
    places = {name: address for host in hosts for name, address in _places(host, machines)}
    columns = (*machines, *places)
    cells = {}
    for host in hosts:
        for column in columns:
            address = places.get(column) or next((each.wanted.address for each in hosts if each.name == column), "")
            cells[(host.name, column)] = _cell(host, column, address, column in machines)
    return Matrix(tuple(machines), columns, cells)


def _places(host: Host, machines: Sequence[str]) -> Iterator[tuple[str, str]]:
    if host.wanted.gateway:
        yield "gateway", host.wanted.gateway
    for server in host.wanted.dns:
        yield f"dns {server}", server
    for server in host.wanted.ntp:
        yield f"ntp {server}", server
    for service in host.wanted.services:
        if service.host not in machines:
            yield service.host, service.address


def _cell(host: Host, column: str, address: str, is_machine: bool) -> Cell:
    if host.evidence is None:
        return Cell(None, "?", ("could not be asked",))
    if host.name == column:
        return _self(host, host.evidence)
    found = sorted(_failures(host, host.evidence, column, address, is_machine))
    if not found:
        return Cell(0, "ok", tuple(_successes(host.evidence, column, address)))
    return Cell(found[0][0], found[0][1], tuple(text for _layer, _short, text in found))


def _self(host: Host, seen: Evidence) -> Cell:
    faults = sorted(local_faults(host.wanted, seen), key=lambda fault: (fault.layer, fault.rank))
    if not faults:
        return Cell(None, "·", ("nothing is wrong by its own evidence",))
    return Cell(faults[0].layer, faults[0].kind, tuple(fault.sentence for fault in faults))


def _failures(host: Host, seen: Evidence, column: str, address: str, is_machine: bool) -> Iterator[Failure]:
    if (seen.get("arp") or {}).get(address) == [] and (is_machine or column == "gateway"):
        yield 2, "arp", "no answer to ARP"
    if len((seen.get("arp") or {}).get(address) or []) > 1 and (is_machine or column == "gateway"):
        yield 2, "2 macs", "several machines answer to ARP"
    if is_machine:
        yield from _echoes(seen, address)
        yield from _exchange(host, seen, address)
    result = (seen.get("dns") or {}).get(address, "answers")
    if column.startswith("dns ") and result != "answers":
        yield 3, "dns", f"name server: {result}"
    if column.startswith("ntp ") and (seen.get("ntp") or {}).get(address) is None:
        yield 3, "ntp", "time server: no answer"
    for entry in seen.get("tcp") or []:
        if entry["host"] == column and entry["result"] != "open":
            yield 4, str(entry["port"]), f"port {entry['port']} ({entry['service']}): {entry['result']}"


def _echoes(seen: Evidence, address: str) -> Iterator[Failure]:
    small = (seen.get("small") or {}).get(address)
    big = (seen.get("big") or {}).get(address)
    if not small:
        return
    lost = small["sent"] - small["answered"]
    if not small["answered"]:
        yield 3, "ping", "no answer to pings"
    elif lost >= LOST:
        yield 3, f"-{100 * lost // small['sent']} %", f"{lost} of {small['sent']} pings are lost"
    if small["answered"] and big and not big["answered"]:
        yield 3, "mtu", "full-sized packets are lost"


def _exchange(host: Host, seen: Evidence, address: str) -> Iterator[Failure]:
    result = seen.get("exchange")
    tunnels = {peer.address for peer in host.wanted.peers if peer.tunnel}
    if result and address in tunnels and address not in result["answered"]:
        heard = "came in, but no answer did" if address in result["heard"] else "do not come in"
        yield 4, str(host.wanted.tunnel_port), f"VXLAN packets {heard}"
    elif result and (result.get("inside") or {}).get(address) == 0:
        yield 4, str(host.wanted.tunnel_port), "the tunnel carries nothing"


def _successes(seen: Evidence, column: str, address: str) -> Iterator[str]:
    macs = (seen.get("arp") or {}).get(address)
    if macs:
        yield f"MAC {macs[0]}"
    small = (seen.get("small") or {}).get(address)
    if small:
        yield f"{small['answered']} of {small['sent']} pings answered"
    ports = [str(entry["port"]) for entry in seen.get("tcp") or [] if entry["host"] == column]
    if ports:
        yield f"ports {', '.join(ports)} open"


def text(found: Matrix) -> list[str]:
    """The matrix in lines of equal columns."""
    table = [["from \\ to", *found.columns]]
    table += [[row, *(found.cells[(row, column)].short for column in found.columns)] for row in found.rows]
    widths = [max(map(len, column)) for column in zip(*table)]
    lines = ("  ".join(word.ljust(width) for word, width in zip(line, widths)) for line in table)
    return [line.rstrip() for line in lines]
