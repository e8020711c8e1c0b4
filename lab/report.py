# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is up, as a table."""

from __future__ import annotations

import json
from typing import Any

from lab.command import Runner, run
from lab.engine import Engine
from lab.machines import answers_ssh
from lab.runs import table
from lab.site import Site

HEADER = ("MACHINE", "ADDRESS", "ROLE", "RUNS", "SSH", "NODE", "VERSION", "TAINTS", "LABELS")


def nodes(site: Site, runner: Runner = run) -> tuple[dict[str, dict[str, Any]], str]:
    """The cluster's nodes by name, and a line that says why there are none."""
    kubeconfig = site.state / "kubeconfig"
    if not kubeconfig.exists():
        return {}, "no cluster yet: site.yml has fetched no kubeconfig"
    answer = runner(["kubectl", "--kubeconfig", str(kubeconfig), "--request-timeout=10s", "get", "nodes", "-o", "json"],
                    "")  # fmt: skip
    if answer.status != 0:
        return {}, f"the cluster does not answer: {(answer.stderr.strip() or 'no reason given').splitlines()[-1]}"
    return {node["metadata"]["name"]: node for node in json.loads(answer.stdout)["items"]}, ""


def report(engine: Engine, site: Site) -> str:
    """One row per machine: is it up, is it a node, what does the node say."""
    found, complaint = nodes(site)
    rows = []
    for machine in site.machines:
        container = engine.inspect(site.container(machine.name))
        runs = bool(container and container["State"]["Running"])
        reached = "yes" if runs and not answers_ssh(machine.address) else "no"
        role = ",".join(group for group in machine.groups if group != "k3s_cluster")
        cells = node_cells(found.get(machine.name), machine.is_member)
        rows.append((machine.name, machine.address, role, "yes" if runs else "no", reached, *cells))
    return "\n".join([table(HEADER, rows), *([complaint] if complaint else [])])


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
