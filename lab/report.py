# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is up, as a table."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from lab.engine import Engine
from lab.runs import table
from lab.site import ROOT, Site

HEADER = ("MACHINE", "ADDRESS", "GROUPS", "MACHINE UP", "NODE", "VERSION", "TAINTS", "LABELS")


def nodes(site: Site) -> dict[str, dict[str, Any]]:
    """The cluster's nodes by name; empty when no API answers."""
    kubeconfig = site.state / "kubeconfig"
    if not kubeconfig.exists():
        return {}
    argv = [str(ROOT / ".lab" / "bin" / "kubectl"), "--kubeconfig", str(kubeconfig), "--request-timeout=10s",
            "get", "nodes", "-o", "json"]  # fmt: skip
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        return {}
    return {node["metadata"]["name"]: node for node in json.loads(answer.stdout)["items"]}


def report(engine: Engine, site: Site) -> str:
    """One row per machine: is it up, is it a node, what does the node say."""
    found = nodes(site)
    rows = []
    for machine in site.machines:
        container = engine.inspect(site.container(machine.name))
        up = "yes" if container and container["State"]["Running"] else "no"
        groups = ",".join(group for group in machine.groups if group != "k3s_cluster")
        rows.append(
            (machine.name, machine.address, groups, up, *node_cells(found.get(machine.name), machine.is_member))
        )
    return table(HEADER, rows)


def node_cells(node: dict[str, Any] | None, member: bool) -> tuple[str, str, str, str]:
    """Readiness, version, taints and own labels of a node."""
    if node is None:
        return ("missing" if member else "-", "-", "-", "-")
    conditions = {item["type"]: item["status"] for item in node["status"].get("conditions", [])}
    ready = "Ready" if conditions.get("Ready") == "True" else "NotReady"
    taints = ",".join(f"{item['key']}:{item['effect']}" for item in node["spec"].get("taints", [])) or "-"
    own = {key: value for key, value in node["metadata"].get("labels", {}).items() if "kubernetes.io/" not in key}
    labels = ",".join(f"{key}={value}" for key, value in sorted(own.items())) or "-"
    return ready, node["status"]["nodeInfo"]["kubeletVersion"], taints, labels
