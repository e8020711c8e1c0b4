# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A twin as tests use it: built, broken and looked at, over SSH and through the kubeconfig that the build fetched."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import testinfra
from testinfra.host import Host

from lab.machines import control_path
from lab.site import ROOT, Site, site_from, with_version

PLAY_SECONDS = 900


@dataclass(frozen=True)
class Run:
    """One finished ansible-playbook: exit status and everything it printed."""

    status: int
    output: str

    @property
    def changed(self) -> bool:
        """Whether any host reports a change."""
        recap = self.output.rpartition("PLAY RECAP")[2]
        return any(f"changed={digit}" in recap for digit in "123456789")

    @property
    def text(self) -> str:
        """The output in one line, so that a sentence is found however it is wrapped."""
        return " ".join(self.output.split())


class Twin:
    """The lab of one inventory: its machines, its mirror, and runs of playbooks against it."""

    def __init__(self, inventory: Path) -> None:
        self.inventory = inventory

    @functools.cached_property
    def _document(self) -> dict[str, Any]:
        argv = ["ansible-inventory", "--inventory", str(self.inventory), "--list"]
        answer = subprocess.run(argv, cwd=ROOT, env=environment(), check=True, capture_output=True, text=True)
        return with_version(json.loads(answer.stdout), self.inventory)

    @functools.cached_property
    def site(self) -> Site:
        """What the lab consists of."""
        return site_from(self._document, self.inventory)

    @property
    def variables(self) -> dict[str, dict[str, Any]]:
        """Each machine's variables, as the inventory has them."""
        return self._document["_meta"]["hostvars"]

    @property
    def state(self) -> Path:
        """The lab's folder on this machine."""
        return self.site.state

    def of_group(self, group: str) -> list[str]:
        """Names of the machines in a group."""
        return [machine.name for machine in self.site.machines if group in machine.groups]

    def node_name(self, machine: str) -> str:
        """What Kubernetes calls a machine."""
        return str(self.variables[machine].get("homelab_node", {}).get("name", machine))

    def lab(self, *arguments: str) -> None:
        """Run the lab's command line."""
        argv = [sys.executable, "-m", "lab", *arguments, "--inventory", str(self.inventory)]
        subprocess.run(argv, cwd=ROOT, env=environment(), check=True)

    def fresh(self) -> None:
        """Bare machines, as after a new installation of all of them."""
        self.lab("down", "--keep-image")
        self.lab("machines", "up")

    def kill(self, machine: str) -> None:
        """Cut a machine's power; what is on its disks stays."""
        subprocess.run(["docker", "kill", self.site.container(machine)], check=True, capture_output=True)

    def reinstall(self, machine: str) -> None:
        """Put a new, bare machine in a machine's place: new system, new SSH host key, which the lab makes known."""
        subprocess.run(
            ["docker", "rm", "--force", "--volumes", self.site.container(machine)], check=True, capture_output=True
        )
        self.lab("machines", "up")

    def start(self, playbook: str = "site.yml", *arguments: str) -> subprocess.Popen[str]:
        """Start a playbook in a process group of its own, so that it can be killed whole."""
        return subprocess.Popen(
            ["ansible-playbook", "-i", str(self.inventory), playbook, *arguments],
            cwd=ROOT,
            # tests look for tasks that changed nothing too
            env=environment() | {"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def play(self, playbook: str = "site.yml", *arguments: str) -> Run:
        """Run a playbook to its end."""
        process = self.start(playbook, *arguments)
        output, _errors = process.communicate(timeout=PLAY_SECONDS)
        return Run(process.returncode, output)

    def on(self, machine: str, command: str) -> str:
        """Standard output of a shell command on a machine (through the engine, not through Ansible)."""
        return subprocess.run(
            ["docker", "exec", self.site.container(machine), "bash", "-c", command],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def host(self, machine: str) -> Host:
        """The machine over SSH, as root."""
        sockets = control_path(self.site)
        sockets.mkdir(parents=True, exist_ok=True)
        address = next(each.address for each in self.site.machines if each.name == machine)
        options = {
            "UserKnownHostsFile": self.state / "known_hosts",
            "StrictHostKeyChecking": "yes",
            "ControlMaster": "auto",
            "ControlPersist": "60s",
            "ControlPath": sockets / "testinfra-%C",
        }
        return testinfra.get_host(
            f"ssh://{self.site.admin_user}@{address}",
            sudo=True,
            ssh_identity_file=str(self.state / "id_ed25519"),
            ssh_extra_args=" ".join(f"-o {name}={value}" for name, value in options.items()),
        )

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Standard output of kubectl with the kubeconfig that the build fetched."""
        argv = [str(ROOT / ".lab" / "bin" / "kubectl"), f"--kubeconfig={self.state / 'kubeconfig'}", *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True, input=stdin).stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        """What the API has, as a document."""
        return json.loads(self.kubectl("get", *arguments, "--output=json"))


def environment() -> dict[str, str]:
    """The environment of every command: plain output, the venv's tools first."""
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        # molecule points this at a file of its own
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "PYTHONUNBUFFERED": "1",
    }


def kill_controller(process: subprocess.Popen[str]) -> None:
    """SIGKILL the controller with all its workers, which open process groups of their own, as a power cut would."""
    for pid in [process.pid, *descendants(process.pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def descendants(pid: int) -> list[int]:
    """Children of a process, their children, and so on."""
    answer = subprocess.run(["pgrep", "--parent", str(pid)], capture_output=True, text=True, check=False)
    children = [int(child) for child in answer.stdout.split()]
    return children + [below for child in children for below in descendants(child)]
