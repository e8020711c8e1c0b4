# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: TCP ports that do not answer, and whether a service or a packet filter is to blame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import Fault, Known, Pair, blame, names
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.judge_pairs import Seen
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.sharing import Circumstances, Outside, shared

REMEDY = {
    "api": "start k3s and look at its journal",
    "kubelet": "start k3s or k3s-agent and look at its journal",
    "cilium-health": "look at the Cilium pod of the node",
    "bgp": "have the router's BGP configured (docs/network.md)",
    "nfs": "start the NFS server (systemctl status nfs-server)",
    "registry": "start the registry",
    "ssh": "start sshd",
}


# The service is there and hangs.
FROZEN = {"nfs": "look at the pool below its exports (zpool status, dmesg), then restart the NFS server"}


@dataclass(frozen=True)
class Port:
    """A port of a place, and its service."""

    service: str
    host: str
    address: str
    number: int

    @property
    def text(self) -> str:
        """The port in a sentence."""
        return f"port {self.number} ({self.service})"

    @property
    def remedy(self) -> str:
        """What to do when nothing is there."""
        return REMEDY.get(self.service, "start it, or correct the inventory")

    @property
    def thaw(self) -> str:
        """What to do when it is there and says nothing."""
        return FROZEN.get(self.service, "restart it")


def ports(seen: Seen, around: Circumstances) -> list[Fault]:
    """One fault for each port of each place that some or all hosts do not reach."""
    machines = {host.name for host in around.hosts}
    faults: list[Fault] = []
    filtered: dict[str, list[tuple[Pair, Port]]] = {}
    reached: set[tuple[str, str]] = set()
    for port, results in _views(seen, machines).items():
        failed = sorted(name for name, result in results.items() if result != "open")
        how = names([results[name] for name in failed])
        if len(failed) < len(results):
            reached.add((port.service, port.host))
        if port.host not in machines:
            faults += shared(_outside(port, len(results), how), failed, list(results), around)
        elif failed and port.number not in seen[port.host]["listening"]:
            text = f"nothing listens on {port.text}, {names(failed)} found it {how}: {port.remedy}"
            faults.append(Fault(port.host, 4, 1, port.service, text, len(failed)))
        elif failed and {*results.values()} == {"silent"}:
            text = f"{port.text} takes connections, but {names(failed)} get no answer: {port.thaw}"
            faults.append(Fault(port.host, 4, 1, port.service, text, len(failed)))
        else:
            filtered.setdefault(port.service, []).extend(
                (Pair(name, port.host, results[name]), port) for name in failed
            )
    for service, entries in filtered.items():
        faults += _filtered(service, entries, around, {host for kind, host in reached if kind == service})
    return faults


def _views(seen: Seen, machines: set[str]) -> dict[Port, dict[str, str]]:
    found: dict[Port, dict[str, str]] = {}
    for name, evidence in seen.items():
        for entry in evidence.get("tcp") or []:
            # what a machine without evidence lacks is judged with that machine
            if entry["host"] != name and (entry["host"] in seen or entry["host"] not in machines):
                port = Port(entry["service"], entry["host"], entry["address"], entry["port"])
                found.setdefault(port, {})[name] = entry["result"]
    return found


def _outside(port: Port, asked: int, how: str) -> Outside:
    label = port.host if port.address in port.host else f"{port.host} {port.address}"
    return Outside(
        label,
        port.address,
        (4, 3, port.service),
        f"{port.text} answers none of {asked} hosts ({how}): {port.remedy}",
        f"{port.text} of {label} does not answer it ({how}), but others: check route and packet filter",
    )


def _filtered(
    service: str, entries: Sequence[tuple[Pair, Port]], around: Circumstances, reached: set[str]
) -> Iterator[Fault]:
    """Something listens, and packets are lost on the way."""
    found = {pair.target: port for pair, port in entries}
    # who fails alone where others get through is the likelier one
    alone = {pair.observer for pair, _port in entries if pair.target in reached}
    known = Known(around.known.suspects | alone, around.known.cut_off)
    for node, failed in blame([pair for pair, _port in entries], known).items():
        how = names([pair.detail for pair in failed])
        observers = [pair.observer for pair in failed if pair.target == node]
        if observers:
            text = f"{found[node].text} does not answer {names(observers)} ({how}) though something listens"
        else:
            places = names([pair.target for pair in failed])
            text = f"it does not reach {found[failed[0].target].text} of {places} ({how}) though something listens"
        yield Fault(node, 4, 2, service, f"{text}: check its packet filter", len(failed))
