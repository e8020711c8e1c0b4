# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what this machine sees of its network as metrics for node_exporter's textfile collector."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# The readers of the collection's network probe, as they are; they lie beside this file.
import check_echo
import check_time
import read_kernel_log
import read_link
import read_routes

# name, labels, value
Sample = tuple[str, dict[str, str], float]

HOUR = 3600
HELP = {
    "homelab_network_carrier": "Whether the interface has a carrier.",
    "homelab_network_speed_mbps": "Negotiated speed; absent where the driver does not know it.",
    "homelab_network_expected_speed_mbps": "Speed that the inventory expects, at least.",
    "homelab_network_errors_total": "Frames lost by cable, port or adapter.",
    "homelab_network_carrier_changes_total": "How often the carrier came or went.",
    "homelab_network_bond_on_backup": "Whether a bond runs on another interface than the primary one.",
    "homelab_network_adapter_events": "Failures of adapters in the kernel log of the last hour, by their kind.",
    "homelab_network_reachable": "Share of pings that the gateway or the peer answered.",
    "homelab_network_local_rule": "Whether a routing rule looks up table local.",
    "homelab_clock_offset_seconds": "How far the time server is ahead; absent where it does not answer.",
    "homelab_clock_answers": "Whether the time server answers.",
    "homelab_certificate_expiry_timestamp_seconds": "When the certificate expires.",
    "homelab_health_last_run_timestamp_seconds": "When these metrics were written.",
}
COUNTERS = ("homelab_network_errors_total", "homelab_network_carrier_changes_total")


def main() -> None:
    """Read the configuration, look, and put the metrics in place by a rename."""
    config = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    root = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("/")
    samples = list(collect(config, root))
    target = Path(config["textfile"])
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_text(render(samples), encoding="utf-8")
        draft.chmod(0o644)
        draft.replace(target)
    finally:
        if draft.exists():
            draft.unlink()


def collect(config: dict[str, Any], root: Path) -> Iterator[Sample]:
    """Each sample as name, labels, value."""
    found = read_link.links(root)
    yield from links(config["nics"], found)
    yield from bonds(config["nics"], found)
    yield from adapter_events(read_kernel_log.kernel_lines())
    yield "homelab_network_local_rule", {}, int(read_routes.has_local_rule(read_routes.rules()))
    yield from reachable(config)
    for server in config["ntp"]:
        offset = check_time.offset(server)
        yield "homelab_clock_answers", {"server": server}, int(offset is not None)
        if offset is not None:
            yield "homelab_clock_offset_seconds", {"server": server}, round(offset, 6)
    yield from certificates(config["certificates"])
    yield "homelab_health_last_run_timestamp_seconds", {}, int(time.time())


def links(nics: list[dict[str, Any]], found: dict[str, dict[str, Any]]) -> Iterator[Sample]:
    """The inventory's interfaces; one that is gone has no carrier."""
    by_mac = {link["mac"]: name for name, link in found.items() if link["driver"] or link["bus"]}
    for nic in nics:
        name = by_mac.get((nic.get("mac") or "").lower().replace("-", ":"), nic["name"])
        link = found.get(name)
        label = {"interface": nic["name"]}
        yield "homelab_network_carrier", label, int(bool(link and link["carrier"]))
        if nic.get("speed_mbps"):
            yield "homelab_network_expected_speed_mbps", label, nic["speed_mbps"]
        if link is None:
            continue
        if link["speed"] is not None:
            yield "homelab_network_speed_mbps", label, link["speed"]
        yield "homelab_network_errors_total", label, sum(link["errors"].values())
        if link["carrier_changes"] is not None:
            yield "homelab_network_carrier_changes_total", label, link["carrier_changes"]


def bonds(nics: list[dict[str, Any]], found: dict[str, dict[str, Any]]) -> Iterator[Sample]:
    """A node that lost its first adapter works on: without this nobody would notice."""
    primary = [nic["name"] for nic in nics if nic.get("primary")]
    for name, link in found.items():
        active = (link["bond"] or {}).get("active")
        if active is not None:
            yield "homelab_network_bond_on_backup", {"bond": name, "active": active}, int(active not in primary)


def adapter_events(lines: list[tuple[float, str]] | None) -> Iterator[Sample]:
    """How many of each kind the last hour brought; nothing where the log cannot be read."""
    if lines is None:
        return
    oldest = time.clock_gettime(time.CLOCK_MONOTONIC) - HOUR
    recent = [event["kind"] for event in read_kernel_log.events(lines) if event["seconds"] >= oldest]
    for kind in read_kernel_log.KINDS:
        yield "homelab_network_adapter_events", {"kind": kind}, recent.count(kind)


def reachable(config: dict[str, Any]) -> Iterator[Sample]:
    """Gateway and peers, all at once, three small pings each."""
    targets = {peer["address"]: peer["name"] for peer in config["peers"]}
    if config["gateway"]:
        targets[config["gateway"]] = "gateway"
    for address, result in check_echo.echo(targets, 64, 3).items():
        yield "homelab_network_reachable", {"target": targets[address]}, round(result["answered"] / result["sent"], 3)


def certificates(paths: list[str]) -> Iterator[Sample]:
    """Those that are there; openssl tells the date."""
    for path in paths:
        if not Path(path).is_file():
            continue
        argv = ["openssl", "x509", "-noout", "-enddate", "-in", path]
        run = subprocess.run(argv, capture_output=True, text=True, timeout=5, check=False)
        if run.returncode == 0:
            moment = ssl.cert_time_to_seconds(run.stdout.strip().partition("=")[2])
            yield "homelab_certificate_expiry_timestamp_seconds", {"file": path}, moment


def render(samples: list[Sample]) -> str:
    """The text format of Prometheus: each metric's samples together, after its help and type."""
    lines = []
    for name, text in HELP.items():
        mine = [(labels, value) for each, labels, value in samples if each == name]
        if mine:
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {'counter' if name in COUNTERS else 'gauge'}"]
        for labels, value in mine:
            shown = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
            lines.append(f"{name}{{{shown}}} {value}" if shown else f"{name} {value}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


if __name__ == "__main__":
    main()
