# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: routes, rules and addresses of IPv4, by netlink."""

# Nothing of Ansible here, and no other file of ours: node_health copies this one to hosts as it is.
from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Any

# linux/rtnetlink.h, linux/netlink.h, linux/fib_rules.h
GET_ADDRESS, GET_ROUTE, GET_RULE = 22, 26, 34
REQUEST, DUMP = 1, 0x300
DONE, ERROR = 3, 2
ROUTE_DESTINATION, ROUTE_DEVICE, ROUTE_GATEWAY, ROUTE_PRIORITY, ROUTE_TABLE = 1, 4, 5, 6, 15
RULE_PRIORITY, RULE_MARK, RULE_TABLE, RULE_SOURCE, RULE_DESTINATION = 6, 10, 15, 2, 1
ADDRESS_LOCAL, ADDRESS_ANY = 2, 1
TABLES = {253: "default", 254: "main", 255: "local"}
UNICAST, TO_TABLE = 1, 1

Entry = dict[str, Any]


def rules() -> list[Entry]:
    """The routing rules, as ip rule shows them, in their order."""
    found = []
    for body in _dump(GET_RULE):
        family, destination, source, _tos, table, _r1, _r2, action = struct.unpack_from("=8B", body)
        fields = dict(_attributes(body[12:]))
        if family != socket.AF_INET or action != TO_TABLE:
            continue
        mark = _u32(fields.get(RULE_MARK))
        number = _u32(fields.get(RULE_TABLE)) or table
        found.append(
            {
                "priority": _u32(fields.get(RULE_PRIORITY)) or 0,
                "mark": mark,
                "all": destination == 0 and source == 0 and not mark,
                "table": TABLES.get(number, str(number)),
            }
        )
    return sorted(found, key=lambda rule: (rule["priority"], rule["table"]))


def has_local_rule(found: list[Entry]) -> bool:
    """Whether packets to the machine's own addresses find it: Cilium moves that rule, networkd drops it (B7)."""
    return any(rule["table"] == "local" and rule["all"] for rule in found)


def routes() -> list[Entry]:
    """The routes of the main table: destination, gateway, device, metric."""
    names = dict(socket.if_nameindex())
    found = []
    for body in _dump(GET_ROUTE):
        family, length, _src, _tos, table, _proto, _scope, kind = struct.unpack_from("=8B", body)
        fields = dict(_attributes(body[12:]))
        if family != socket.AF_INET or kind != UNICAST or (_u32(fields.get(ROUTE_TABLE)) or table) != 254:
            continue
        destination = socket.inet_ntoa(fields[ROUTE_DESTINATION]) if ROUTE_DESTINATION in fields else "0.0.0.0"
        found.append(
            {
                "destination": f"{destination}/{length}" if length else "default",
                "gateway": socket.inet_ntoa(fields[ROUTE_GATEWAY]) if ROUTE_GATEWAY in fields else None,
                "device": names.get(_u32(fields.get(ROUTE_DEVICE)) or 0),
                "metric": _u32(fields.get(ROUTE_PRIORITY)) or 0,
            }
        )
    return sorted(found, key=lambda route: (route["metric"], route["destination"]))


def addresses() -> list[Entry]:
    """The machine's addresses: address, prefix length, device."""
    names = dict(socket.if_nameindex())
    found = []
    for body in _dump(GET_ADDRESS):
        family, length, _flags, _scope, index = struct.unpack_from("=4BI", body)
        fields = dict(_attributes(body[8:]))
        local = fields.get(ADDRESS_LOCAL, fields.get(ADDRESS_ANY))
        if family == socket.AF_INET and local is not None:
            found.append({"address": socket.inet_ntoa(local), "length": length, "device": names.get(index)})
    return found


def _u32(data: bytes | None) -> int | None:
    return None if data is None else int(struct.unpack("=I", data)[0])


def _dump(kind: int) -> Iterator[bytes]:
    """Bodies of the answers to a dump request."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.settimeout(2)
        body = struct.pack("=B11x", socket.AF_INET)
        netlink.send(struct.pack("=IHHII", 16 + len(body), kind, REQUEST | DUMP, 1, 0) + body)
        while True:
            data = netlink.recv(262144)
            while len(data) >= 16:
                length, answer, _flags, _sequence, _port = struct.unpack_from("=IHHII", data)
                if answer in (DONE, ERROR):
                    return
                yield data[16:length]
                data = data[(length + 3) & ~3 :]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            return
        yield kind & 0x3FFF, data[4:length]
        data = data[(length + 3) & ~3 :]
