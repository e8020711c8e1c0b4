# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and stop the double beside a lab."""

from __future__ import annotations

import json
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
    yield "ansible@pve", _secret(folder / "password"), {"/": PRIVILEGES}
    for name, privileges in TOKENS.items():
        yield f"ansible@pve!{name}", _secret(folder / f"token-{name}"), {"/": privileges}


def _secret(path: Path) -> str:
    if not path.exists():
        write_private(path, secrets.token_hex(16))
    return path.read_text()


def have_pve(engine: Engine, site: Site, image: str, privileged: bool = False) -> None:
    """The double answers; one that runs already stays, unless its machines are made of another image."""
    folder = folder_of(site)
    folder.mkdir(parents=True, exist_ok=True)
    list(accounts(folder))
    engine.remove(unknown(engine, site))
    images = site.state / "mirror" / "images"
    images.mkdir(parents=True, exist_ok=True)
    (images / "cloud.qcow2").write_bytes(cloud_image())
    if process_of(site, image) is None:
        stop_pve(site)
        with step("starting the stand-in of the Proxmox VE API"):
            _start(site, image, privileged)
    say(WORDS.format(address=site.gateway))


def unknown(engine: Engine, site: Site) -> list[str]:
    """Containers of machines that the double has to make and knows nothing of: what is left of another lab."""
    path = folder_of(site) / "state.json"
    vms = json.loads(path.read_text())["vms"].values() if path.exists() else ()
    strangers = {machine.name for machine in site.machines if machine.by_hypervisor}
    strangers -= {vm["config"]["name"] for vm in vms}
    return sorted({site.container(name) for name in strangers} & set(engine.containers(site.name)))


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


def process_of(site: Site, *words: str) -> int | None:
    """The double's process where it runs, with these words among its arguments."""
    path = folder_of(site) / "pid"
    if not path.exists():
        return None
    pid = int(path.read_text())
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return None
    return pid if {"lab.pve", site.name, *words} <= set(arguments) else None


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
