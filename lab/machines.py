# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers in the place of machines."""

from __future__ import annotations

import json
import shutil
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from lab.command import Runner, run
from lab.console import say, step
from lab.engine import Engine
from lab.errors import LabError
from lab.secrets import have_secrets
from lab.site import LABEL, Machine, Site

SSH_SECONDS = 60
# What a machine may do: systemd wants the first, addresses and routes the second. Only a real kubelet wants all.
CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN")
CNI_MARKER = "/etc/cni/net.d/05-lab.conflist"
CNI_CONTENT = json.dumps({"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "loopback"}]})

# Everything an installer would have left on a new machine; prints its SSH host key.
FIRST_BOOT = """
id {user} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash {user}
install -d -m 0700 -o {user} -g {user} /home/{user}/.ssh
echo '{key}' > /home/{user}/.ssh/authorized_keys
chown {user}:{user} /home/{user}/.ssh/authorized_keys
echo '{user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{user}
chmod 0440 /etc/sudoers.d/{user}
{cni}
test -e /etc/ssh/ssh_host_ed25519_key || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub
"""
CNI = "install -d /etc/cni/net.d && test -e {path} || echo '{content}' > {path}"


def have_network(engine: Engine, site: Site) -> None:
    """The lab's own network, apart from everything else."""
    if site.name not in engine.networks(site.name):
        engine.call("network", "create", "--label", f"{LABEL}={site.name}", "--subnet", str(site.subnet), site.name)


def have_machines(engine: Engine, site: Site, image: str, privileged: bool = False, runner: Runner = run) -> None:
    """Every machine of the inventory is up and reachable over SSH; those that are stay as they are."""
    key = have_secrets(site, runner)
    start = partial(_have_machine, engine, site, image=image, key=key, privileged=privileged)
    with step(f"starting {len(site.machines)} machines"), ThreadPoolExecutor(4) as pool:
        host_keys = list(pool.map(start, site.machines))
    lines = [f"{machine.address} {host_key}\n" for machine, host_key in zip(site.machines, host_keys, strict=True)]
    (site.state / "known_hosts").write_text("".join(lines))
    if any(machine.is_member for machine in site.machines):
        say(f"lab: no container network layer yet: {CNI_MARKER} stands in for it on the cluster's machines")
    with step("waiting for SSH"):
        for machine in site.machines:
            _await_ssh(machine)


def _have_machine(engine: Engine, site: Site, machine: Machine, image: str, key: str, privileged: bool) -> str:
    name = site.container(machine.name)
    found = engine.inspect(name)
    if found is not None and found["Config"]["Image"] != image:
        engine.remove([name])
        found = None
    if found is None:
        start_container(engine, site, machine, image, privileged and machine.is_member)
    elif not found["State"]["Running"]:
        engine.call("start", name)
    cni = CNI.format(path=CNI_MARKER, content=CNI_CONTENT) if machine.is_member else ""
    script = FIRST_BOOT.format(user=site.admin_user, key=key, cni=cni)
    return engine.execute(name, script).strip().splitlines()[-1]


def start_container(engine: Engine, site: Site, machine: Machine, image: str, privileged: bool) -> None:
    """A new machine, bare."""
    capabilities = ["--privileged"] if privileged else [f"--cap-add={capability}" for capability in CAPABILITIES]
    engine.call(
        "run", "--detach", "--name", site.container(machine.name), "--hostname", machine.name,
        "--label", f"{LABEL}={site.name}", "--network", site.name, "--ip", machine.address, *capabilities,
        "--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined",
        "--tmpfs=/run", "--tmpfs=/tmp:exec", "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw", image,
    )  # fmt: skip


def _await_ssh(machine: Machine) -> None:
    deadline = time.monotonic() + SSH_SECONDS
    last = "no answer"
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((machine.address, 22), timeout=2) as connection:
                connection.settimeout(5)
                banner = connection.recv(64)
                if banner.startswith(b"SSH-"):
                    return
                last = f"answered {banner!r}"
        except OSError as error:
            last = str(error)
        time.sleep(0.3)
    raise LabError(f"{machine.name} ({machine.address}) does not answer SSH after {SSH_SECONDS} s; last seen: {last}")


def remove_lab(engine: Engine, site: Site, keep_image: bool) -> None:
    """Remove every trace of the lab: containers, network, folder, and (unless kept) images."""
    engine.remove(engine.containers(site.name))
    for network in engine.networks(site.name):
        engine.call("network", "rm", network)
    close_connections(site)
    shutil.rmtree(site.state, ignore_errors=True)
    if not keep_image:
        for tag in engine.images():
            engine.call("image", "rm", "--force", tag)


def close_connections(site: Site, runner: Runner = run) -> None:
    """End SSH's shared connections to machines that are gone; a new machine at the address would inherit them."""
    folder = control_path(site)
    for control in folder.glob("*") if folder.is_dir() else ():
        runner(["ssh", "-o", f"ControlPath={control}", "-O", "exit", "lab"], "")
    shutil.rmtree(folder, ignore_errors=True)


def control_path(site: Site) -> Path:
    """Where SSH keeps its sockets; short, because a socket's path may have 108 characters only."""
    return Path("~/.ansible/cp").expanduser() / f"lab-{site.name}"
