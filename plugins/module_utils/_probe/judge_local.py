# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what is wrong with one host by its own evidence alone."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import Fault
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Evidence, Nic, Wanted

RECENT = 3600
# While a machine boots its links go up and down.
BOOT = 180
# An adapter that is pulled says so in several lines.
ONE_OCCASION = 5.0
WENT = ("usb disconnect", "unregistered")
EVENTS = {
    "usb reset": "the USB adapter was reset",
    "usb disconnect": "the USB adapter went away",
    "unregistered": "the USB adapter went away",
    "transmit timeout": "the adapter stopped sending",
    "failed reset": "the adapter could not be reset",
    "link down": "the link went down",
}


def local_faults(wanted: Wanted, evidence: Evidence) -> list[Fault]:
    """All faults, in no order."""
    nic = next((nic for nic in wanted.nics if nic.primary), None)
    stand_in = _stand_in(nic, evidence)
    checks = (
        _missing(nic, evidence) if stand_in is None else _on_backup(nic, evidence, *stand_in),
        _link(nic, evidence) if stand_in is None else (),
        _log(evidence),
        _increase(evidence),
        _network(wanted, evidence),
    )
    return [Fault(wanted.name, *entry) for check in checks for entry in check]


Entry = tuple[int, int, str, str]


def _missing(nic: Nic | None, evidence: Evidence) -> Iterator[Entry]:
    name = evidence["interface"]
    gone = bool(evidence["missing"]) and (name is None or evidence["links"].get(name, {}).get("bus") is None)
    if nic is None or not (gone or name is None):
        return
    log = _said(evidence, nic.name)
    mac = f" or the MAC address {nic.mac}" if nic.mac else ""
    yield (
        1, 0, "link gone",
        f"link {nic.name} is gone{log}: no interface has that name{mac}; plug the adapter in again, or correct "
        "homelab_machine.nics",
    )  # fmt: skip


def _stand_in(nic: Nic | None, evidence: Evidence) -> tuple[str, str] | None:
    """The bond that runs on another interface than the primary one, and that interface."""
    for name, link in sorted(evidence["links"].items()):
        bond = link.get("bond") or {}
        carries = any(
            entry["device"] == name and entry["address"] == evidence["address"] for entry in evidence["addresses"]
        )
        if nic is not None and carries and bond.get("active") not in (None, nic.name):
            return name, str(bond["active"])
    return None


def _on_backup(nic: Nic | None, evidence: Evidence, bond: str, active: str) -> Iterator[Entry]:
    name = nic.name if nic is not None else None
    link: Mapping[str, Any] = evidence["links"].get(name) or {}
    if not link:
        why = f"is gone from its bus{_said(evidence, name)}: plug the adapter in again, or correct homelab_machine.nics"
    elif not link["up"]:
        why = f"is switched off: switch it on (ip link set {name} up)"
    elif link["carrier"] is False:
        why = "has no carrier: check cable, adapter and port"
    elif link["master"] != bond:
        why = f"is no part of it any more: have it taken up again (networkctl reconfigure {name})"
    else:
        why = "does not carry it though it has a carrier: look at its counters, and at primary_reselect of the bond"
    yield 1, 0, "on backup", f"link {bond} runs on its backup {active}, for {name} {why}"


def _said(evidence: Evidence, name: str | None) -> str:
    """What the kernel said last of an adapter that went away, and when."""
    gone = [event for event in evidence["events"] or [] if event["kind"] in WENT]
    own = [event for event in gone if event["interface"] == name] or gone
    if not own:
        return ""
    minutes = max(0, round((evidence["uptime"] - own[-1]["seconds"]) / 60))
    return f" (the kernel said '{own[-1]['line']}' {minutes} min ago)"


def _link(nic: Nic | None, evidence: Evidence) -> Iterator[Entry]:
    name = evidence["interface"]
    link: Mapping[str, Any] = evidence["links"].get(name) or {}
    if not link:
        return
    if not link["up"]:
        yield 1, 1, "link off", f"link {name} is switched off: switch it on (ip link set {name} up)"
        return
    if link["carrier"] is False:
        yield 1, 1, "no carrier", f"link {name} has no carrier: check cable, adapter and port"
        return
    expected = nic.speed if nic is not None else None
    if expected and link["speed"] and link["speed"] < expected:
        found = f"negotiated {link['speed']} Mb/s, expected {expected}"
        yield 1, 3, "speed", f"link {name} {found}: check cable or port"
    # drivers that know no speed, as cdc_ether, call everything half duplex
    if link["duplex"] == "half" and link["speed"]:
        yield (
            1,
            4,
            "duplex",
            f"link {name} runs half duplex, expected full: let both ends negotiate, check cable or port",
        )


def _log(evidence: Evidence) -> Iterator[Entry]:
    name = evidence["interface"]
    link = evidence["links"].get(name) or {}
    since = max(evidence["uptime"] - RECENT, BOOT)
    recent = (
        [
            event
            for event in evidence["events"] or []
            if event["seconds"] >= since
            and (event["interface"] == name or _same_port(event, link) or name in event["line"])
        ]
        if name
        else []
    )
    if recent and not _was_plugged(recent, link):
        last = recent[-1]
        minutes = max(0, round((evidence["uptime"] - last["seconds"]) / 60))
        times = f"{len(recent)} times" if len(recent) > 1 else "once"
        yield (
            1, 2, "adapter",
            f"link {name}: {EVENTS[last['kind']]} {times} in the last hour, last {minutes} min ago "
            f"('{last['line']}'): check cable and port, and that its power saving is off",
        )  # fmt: skip


def _was_plugged(recent: list[Mapping[str, Any]], link: Mapping[str, Any]) -> bool:
    """An adapter that went away once and is back was plugged by somebody; twice in an hour is a fault."""
    seconds = [event["seconds"] for event in recent]
    once = max(seconds) - min(seconds) <= ONE_OCCASION and all(event["kind"] in WENT for event in recent)
    return once and bool(link.get("up")) and link.get("carrier") is not False


def _same_port(event: Mapping[str, Any], link: Mapping[str, Any]) -> bool:
    return event["port"] is not None and event["port"] == link.get("port")


def _increase(evidence: Evidence) -> Iterator[Entry]:
    name = evidence["interface"]
    grown = dict(evidence.get("increase") or {})
    if grown.pop("carrier_changes", 0):
        yield 1, 2, "flapping", f"link {name} went down and up while it was looked at: check cable, adapter and port"
    if grown:
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(grown.items()))
        yield 1, 5, "errors", f"link {name} counted {counts} while it was looked at, expected none: check cable or port"


def _network(wanted: Wanted, evidence: Evidence) -> Iterator[Entry]:
    if not evidence["has_address"]:
        place = f", expected on {evidence['interface']}" if evidence["interface"] else ""
        yield 3, 0, "address", f"{wanted.address} is on no interface{place}: have the address configured again"
    if not evidence["local_rule"]:
        yield (
            3, 1, "rules",
            "no routing rule looks up table local, so nothing reaches the machine's own addresses: ip rule add "
            "priority 0 lookup local, and keep systemd-networkd from removing rules (playbooks/network.yml)",
        )  # fmt: skip
    yield from _routes(wanted, evidence)
    if evidence["leftovers"]:
        yield (
            3, 9, "leftovers",
            f"another container network left {', '.join(evidence['leftovers'][:4])}: remove that, or reboot the node "
            "after playbooks/reset_node.yml",
        )  # fmt: skip


def _routes(wanted: Wanted, evidence: Evidence) -> Iterator[Entry]:
    defaults = [route for route in evidence["routes"] if route["destination"] == "default"]
    if wanted.gateway and not defaults:
        yield 3, 2, "gateway", f"there is no default route, expected one to {wanted.gateway}: have it configured again"
    elif wanted.gateway and defaults[0]["gateway"] != wanted.gateway:
        found = defaults[0]["gateway"] or defaults[0]["device"]
        yield 3, 2, "gateway", f"the default route goes to {found}, expected {wanted.gateway}: correct the gateway"
    if wanted.pods and evidence["cilium"] and not _leads_to_pods(wanted.pods, evidence["routes"]):
        yield (
            3, 3, "pod route",
            f"no route leads to the pods in {wanted.pods} though cilium_host is there: restart Cilium on the node, and "
            "keep systemd-networkd from removing routes (playbooks/network.yml)",
        )  # fmt: skip


def _leads_to_pods(pods: str, routes: list[Mapping[str, Any]]) -> bool:
    network = ipaddress.ip_network(pods)
    found = [ipaddress.ip_network(route["destination"]) for route in routes if route["destination"] != "default"]
    return any(entry.overlaps(network) for entry in found)
