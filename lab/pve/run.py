# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and stop the double beside a lab."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from lab.command import ROOT, environment
from lab.console import say, step
from lab.engine import Engine
from lab.errors import LabError
from lab.pve.access import PRIVILEGES
from lab.pve.drives import cloud_image
from lab.pve.guests import remove_snapshots
from lab.secrets import write_private
from lab.site import Site

ANSWER_SECONDS = 20
PORT = 8006
# account -> what it may, and the file of its secret
TOKENS = {"homelab": PRIVILEGES, "powerless": ()}
WORDS = "lab: the Proxmox VE API at https://{address}:8006 is a stand-in, and its virtual machines are containers"


def folder_of(site: Site) -> Path:
    """Where the double keeps what it knows."""
    return site.state / "pve"


def accounts(folder: Path) -> Iterator[tuple[str, str, dict[str, tuple[str, ...]]]]:
    """The user and the tokens that every lab has; the secrets are made once."""
    everything = {"/": PRIVILEGES}
    yield "ansible@pve", _secret(folder / "password"), {path: tuple(names) for path, names in everything.items()}
    for name, privileges in TOKENS.items():
        yield f"ansible@pve!{name}", _secret(folder / f"token-{name}"), {"/": tuple(privileges)}


def _secret(path: Path) -> str:
    if not path.exists():
        write_private(path, secrets.token_hex(16))
    return path.read_text()


def have_pve(site: Site, image: str, privileged: bool = False) -> None:
    """The double answers; one that runs already stays."""
    folder = folder_of(site)
    folder.mkdir(parents=True, exist_ok=True)
    list(accounts(folder))
    images = site.state / "mirror" / "images"
    images.mkdir(parents=True, exist_ok=True)
    (images / "cloud.qcow2").write_bytes(cloud_image())
    if process_of(site) is None:
        with step("starting the stand-in of the Proxmox VE API"):
            _start(site, image, privileged)
    say(WORDS.format(address=site.gateway))


def _start(site: Site, image: str, privileged: bool) -> None:
    folder = folder_of(site)
    argv = [sys.executable, "-m", "lab.pve", str(site.inventory), "--lab", site.name, "--image", image]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [*argv, *(["--privileged"] if privileged else [])], cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    (folder / "pid").write_text(str(process.pid))
    deadline = time.monotonic() + ANSWER_SECONDS
    while not _answers(site):
        if process.poll() is not None or time.monotonic() > deadline:
            raise LabError(f"the stand-in of the Proxmox VE API does not answer; its log is {folder / 'log'}")
        time.sleep(0.2)


def _answers(site: Site) -> bool:
    """Whether TLS is spoken there."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((site.gateway, PORT), timeout=2) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False


def process_of(site: Site) -> int | None:
    """The double's process where it runs."""
    path = folder_of(site) / "pid"
    if not path.exists():
        return None
    pid = int(path.read_text())
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    return pid if b"lab.pve" in words and site.name.encode() in words else None


def stop_pve(site: Site) -> None:
    """End the double; what it knows stays."""
    pid = process_of(site)
    while pid is not None and process_of(site) is not None:
        try:
            os.kill(pid, signal.SIGTERM)
            # a child of this process stays until somebody asks for its end
            os.waitpid(pid, os.WNOHANG)
        except (ProcessLookupError, ChildProcessError):
            pass
        time.sleep(0.1)


def remove_pve(engine: Engine, site: Site) -> None:
    """No trace of the double."""
    stop_pve(site)
    remove_snapshots(engine, site)
