# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A twin with doubles on the ports of K3s, Cilium and NFS, a double of the house around it, and faults undone."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from lab.nodeimage import tag
from lab.site import LABEL
from tests.twin import ROOT, Run, Twin

DOUBLES = ROOT / "tests" / "network_doubles.py"
PLAYBOOK = "playbooks/diagnose.yml"
PORTS = {
    "k3s-master1": "6443,10250,4240",
    "k3s1": "10250,4240",
    "k3s2": "10250,4240",
    "k3s3": "10250,4240",
}
HOUSE = ("tcp=179,5000", "dns", "ntp=0")
NETWORK = "198.18.37"
HOUSE_ADDRESS = f"{NETWORK}.9"


def run(*argv: str) -> str:
    """Standard output of a command that has to succeed."""
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class Town:
    """The twin, its doubles, and what diagnose.yml says of them."""

    twin: Twin

    def container(self, machine: str) -> str:
        """The container of a machine, or of the house."""
        return self.twin.site.container(machine)

    def build(self) -> None:
        """The house, and doubles everywhere."""
        site = self.twin.site
        run(
            "docker", "run", "--detach", "--name", self.container("house"), "--label", f"{LABEL}={site.name}",
            "--network", site.name, "--ip", HOUSE_ADDRESS, tag(), "sleep", "infinity",
        )  # fmt: skip
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(self._furnish, [*PORTS, "r730", "house"]))

    def _furnish(self, name: str) -> None:
        # machines have /tmp in memory, where docker cp does not reach
        run("docker", "cp", str(DOUBLES), f"{self.container(name)}:/srv/network_doubles.py")
        self.serve(name, *self.usual(name))

    @staticmethod
    def usual(name: str) -> tuple[str, ...]:
        """The doubles of a machine, or of the house, when all is well."""
        others = {"house": HOUSE, "r730": ("nfs=2049",)}
        return others[name] if name in others else (f"tcp={PORTS[name]}",)

    def serve(self, name: str, *what: str) -> None:
        """Other doubles on a machine than before, or none."""
        command = "pkill -f '[s]rv/network_doubles' || true"
        run("docker", "exec", self.container(name), "sh", "-c", command)
        if what:
            run("docker", "exec", "--detach", self.container(name), "python3", "/srv/network_doubles.py", *what)
            time.sleep(0.3)

    def on(self, name: str, command: str) -> str:
        """A shell command in the network of a machine, with this machine's programs: a bare machine has no iptables."""
        process = run("docker", "inspect", "--format", "{{.State.Pid}}", self.container(name))
        return run("nsenter", f"--target={process}", "--net", "sh", "-c", command)

    def inside(self, name: str, command: str) -> str:
        """A shell command on a machine."""
        return run("docker", "exec", self.container(name), "sh", "-c", command)

    @contextlib.contextmanager
    def fault(self, name: str, command: str, undo: str, inside: bool = False) -> Iterator[None]:
        """A command, undone afterwards."""
        place = self.inside if inside else self.on
        place(name, command)
        try:
            yield
        finally:
            place(name, undo)

    @contextlib.contextmanager
    def without(self, name: str, *kept: str) -> Iterator[None]:
        """Fewer doubles on a machine."""
        self.serve(name, *kept)
        try:
            yield
        finally:
            self.serve(name, *self.usual(name))

    def by_console(self) -> list[str]:
        """A way to the machines that does not use their network."""
        way = {
            "ansible_connection": "community.docker.docker",
            "ansible_docker_host": self.container("{{ inventory_hostname }}"),
        }
        file = self.twin.state / "console.yml"
        file.write_text(json.dumps({group: {"vars": way} for group in ("k3s_cluster", "storage_host")}))
        return ["-i", str(file)]

    def diagnose(self, *more: str) -> tuple[Run, list[dict[str, Any]]]:
        """One run, and the verdicts it wrote."""
        folder = self.twin.state / "report"
        shutil.rmtree(folder, ignore_errors=True)
        result = self.twin.play(PLAYBOOK, *more)
        assert (folder / "network.json").exists(), result.output[-4000:]
        verdicts = json.loads((folder / "network.json").read_text())["verdicts"]
        assert (result.status == 0) == (verdicts == []), result.output[-4000:]
        for verdict in verdicts:
            assert verdict["line"].partition(":")[0] in result.text
        return result, verdicts
