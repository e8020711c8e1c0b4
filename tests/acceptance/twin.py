# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The twin the acceptance tests build, break and build again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = Path("tests/acceptance/inventory")
STATE = ROOT / ".lab" / "acceptance"


@dataclass(frozen=True)
class Run:
    """One finished ansible-playbook: exit status and everything it printed."""

    status: int
    output: str


def environment() -> dict[str, str]:
    """The environment of every command: plain output, the venv's tools first."""
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "PYTHONUNBUFFERED": "1",
    }


class Twin:
    """The acceptance lab: its machines, its mirror, and runs of site.yml against it."""

    def lab(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "lab", *arguments, "--inventory", str(INVENTORY)],
            cwd=ROOT,
            env=environment(),
            check=True,
        )

    def fresh(self) -> None:
        """Bare machines, as after a new installation of all five."""
        self.lab("down", "--keep-image")
        self.lab("machines", "up")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start site.yml in a process group of its own, so that it can be killed whole."""
        return subprocess.Popen(
            ["ansible-playbook", "-i", str(INVENTORY), "site.yml", *arguments],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def play(self, *arguments: str) -> Run:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=900)
        return Run(process.returncode, output)

    def on(self, host: str, command: str) -> str:
        """Standard output of a shell command on a machine (through the engine, not through Ansible)."""
        return subprocess.run(
            ["docker", "exec", f"acceptance-{host}", "bash", "-c", command],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()


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
