# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have a container engine that answers, installing the distribution's when there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from lab.command import Runner, must, run
from lab.console import step
from lab.errors import LabError
from lab.site import ROOT

PACKAGES = ("docker.io", "iptables", "mmdebstrap", "openssh-client")
PROGRAMS = ("dockerd", "iptables", "mmdebstrap", "ssh-keygen")
WAIT_SECONDS = 60


def have_engine(runner: Runner = run) -> None:
    """Return once the engine answers; raise LabError with what is missing and what to type."""
    if _answers(runner):
        _have_packages(runner, needed=("mmdebstrap", "ssh-keygen"))
        return
    _have_packages(runner, needed=PROGRAMS)
    _start(runner)


def _answers(runner: Runner) -> bool:
    return shutil.which("docker") is not None and runner(["docker", "info"], "").status == 0


def _have_packages(runner: Runner, needed: tuple[str, ...]) -> None:
    missing = [
        program for program in needed if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None
    ]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError(
            f"{', '.join(missing)} not found: run 'apt-get install {' '.join(PACKAGES)}' as root "
            "(or install Docker your distribution's way), then try again"
        )
    with step(f"installing {' '.join(PACKAGES)}"):
        must(runner, ["apt-get", "update", "--quiet=2"])
        must(runner, ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "--quiet=2",
                      "--no-install-recommends", *PACKAGES])  # fmt: skip


def _start(runner: Runner) -> None:
    if os.geteuid() != 0:
        raise LabError(
            "Docker does not answer: start it, or add yourself to its group, then try again ('docker info' shows why)"
        )
    log = ROOT / ".lab" / "dockerd.log"
    with step("starting Docker"):
        if Path("/run/systemd/system").is_dir():
            must(runner, ["systemctl", "start", "docker"])
        elif not _answers(runner):
            log.parent.mkdir(exist_ok=True)
            with log.open("ab") as stream:
                subprocess.Popen(
                    ["dockerd"], stdout=stream, stderr=stream, stdin=subprocess.DEVNULL, start_new_session=True
                )
        deadline = time.monotonic() + WAIT_SECONDS
        while not _answers(runner):
            if time.monotonic() > deadline:
                raise LabError(f"Docker did not answer within {WAIT_SECONDS} s of its start; its log is {log}")
            time.sleep(0.5)
