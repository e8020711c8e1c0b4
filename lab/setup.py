# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have a container engine that answers, and the programs the lab calls; install the distribution's where it may."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from lab.command import ROOT, Runner, must, run
from lab.console import step
from lab.errors import LabError

# program -> its package in Debian and Ubuntu; Docker's client comes with the engine until Debian 12, apart since
PACKAGES = {
    "dockerd": "docker.io",
    "docker": "docker-cli",
    "iptables": "iptables",
    "ip": "iproute2",
    "mcopy": "mtools",
    "mke2fs": "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    "mmdebstrap": "mmdebstrap",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "sfdisk": "fdisk",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
WAIT_SECONDS = 60


def have_engine(runner: Runner = run) -> None:
    """Return once the engine answers; raise LabError with what is missing and what to type."""
    answers = _answers(runner)
    have_programs(("ssh", "ssh-keygen") if answers else ("ssh", "ssh-keygen", "dockerd", "iptables"), runner)
    have_programs(("docker",), runner)
    if not answers and not _answers(runner):
        _start(runner)


def _answers(runner: Runner) -> bool:
    return runner(["docker", "info"], "").status == 0


def have_programs(programs: Sequence[str], runner: Runner = run) -> None:
    """Return once these programs are installed."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    missing = [program for program in programs if shutil.which(program, path=path) is None]
    if not missing:
        return
    packages = sorted({PACKAGES[program] for program in missing})
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError(
            f"{', '.join(missing)} not found: run 'apt-get install {' '.join(packages)}' as root "
            "(or install your distribution's packages of them), then try again"
        )
    with step(f"installing {' '.join(packages)}"):
        must(runner, ["apt-get", "update", "--quiet=2"])
        must(runner, ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "--quiet=2",
                      "--no-install-recommends", *packages])  # fmt: skip


def _start(runner: Runner) -> None:
    if os.geteuid() != 0:
        raise LabError(
            "Docker does not answer: start it, or add yourself to its group, then try again ('docker info' shows why)"
        )
    with step("starting Docker"):
        systemd = Path("/run/systemd/system").is_dir()
        log = "in 'journalctl --unit docker'" if systemd else str(ROOT / ".lab" / "dockerd.log")
        if systemd:
            must(runner, ["systemctl", "start", "docker"])
        else:
            _spawn(Path(log))
        deadline = time.monotonic() + WAIT_SECONDS
        while not _answers(runner):
            if time.monotonic() > deadline:
                raise LabError(f"Docker did not answer within {WAIT_SECONDS} s of its start; its log is {log}")
            time.sleep(0.5)


def _spawn(log: Path) -> None:
    log.parent.mkdir(exist_ok=True)
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    with log.open("ab") as stream:
        subprocess.Popen(
            ["dockerd"], stdout=stream, stderr=stream, stdin=subprocess.DEVNULL, start_new_session=True,
            env=os.environ | {"PATH": path},
        )  # fmt: skip
