# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The twin as the tests see it: its machines over SSH, its cluster through the kubeconfig that the build fetched."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import testinfra
from testinfra.host import Host

from lab.machines import control_path
from lab.site import ROOT, Site, site_from

INVENTORY = Path(__file__).resolve().parents[1] / "inventory"


@dataclass(frozen=True)
class Twin:
    """What was wanted (the inventory) and where it runs."""

    site: Site
    variables: dict[str, dict[str, Any]]

    def of_group(self, group: str) -> list[str]:
        return [machine.name for machine in self.site.machines if group in machine.groups]

    def node_name(self, machine: str) -> str:
        return str(self.variables[machine].get("homelab_node", {}).get("name", machine))

    def on(self, machine: str) -> Host:
        """The machine, as root."""
        state, sockets = self.site.state, control_path(self.site)
        sockets.mkdir(parents=True, exist_ok=True)
        address = next(each.address for each in self.site.machines if each.name == machine)
        options = {
            "UserKnownHostsFile": state / "known_hosts",
            "StrictHostKeyChecking": "yes",
            "ControlMaster": "auto",
            "ControlPersist": "60s",
            "ControlPath": sockets / "testinfra-%C",
        }
        return testinfra.get_host(
            f"ssh://{self.site.admin_user}@{address}",
            sudo=True,
            ssh_identity_file=str(state / "id_ed25519"),
            ssh_extra_args=" ".join(f"-o {name}={value}" for name, value in options.items()),
        )

    def kubectl(self, *arguments: str) -> str:
        argv = [str(ROOT / ".lab" / "bin" / "kubectl"), f"--kubeconfig={self.site.state / 'kubeconfig'}", *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def twin() -> Twin:
    argv = ["ansible-inventory", "--inventory", str(INVENTORY), "--list"]
    document = json.loads(subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    return Twin(site_from(document, INVENTORY), document["_meta"]["hostvars"])


@pytest.fixture(scope="session")
def nodes(twin: Twin) -> dict[str, dict[str, Any]]:
    """The cluster's nodes by name, as its API describes them."""
    items = json.loads(twin.kubectl("get", "nodes", "--output=json"))["items"]
    return {node["metadata"]["name"]: node for node in items}
