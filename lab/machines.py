# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers in the place of machines."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from lab.command import Runner, run
from lab.console import say, step
from lab.engine import Engine
from lab.errors import LabError
from lab.gpus import have_bus, volume
from lab.secrets import have_secrets
from lab.site import LABEL, Machine, Site

SSH_SECONDS = 60
# What a machine may do: systemd wants the first, addresses and routes the second. Only a real kubelet wants all.
CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN")
CNI_MARKER = "/etc/cni/net.d/05-lab.conflist"
CNI_CONTENT = json.dumps({"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "loopback"}]})

# Everything an installer would have left on a new machine; prints its SSH host key.
# sshd gives up for good when it comes up before its key is there.
FIRST_BOOT = """
id {user} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash {user}
install -d -m 0700 -o {user} -g {user} /home/{user}/.ssh
echo '{key}' > /home/{user}/.ssh/authorized_keys
chown {user}:{user} /home/{user}/.ssh/authorized_keys
echo '{user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{user}
chmod 0440 /etc/sudoers.d/{user}
{cni}
key=/etc/ssh/ssh_host_ed25519_key
test -s $key.pub || {{ rm -f $key; ssh-keygen -q -t ed25519 -N '' -f $key; }}
for attempt in $(seq 150); do
    if systemctl is-active --quiet ssh; then break; fi
    systemctl reset-failed ssh 2>/dev/null || :
    systemctl start --no-block ssh 2>/dev/null || :
    sleep 0.2
done
cut -d' ' -f1,2 $key.pub
"""
CNI = "install -d /etc/cni/net.d && test -e {path} || echo '{content}' > {path}"

# With the newer control groups a machine gets a tree of its own; with a bind mount of this machine's tree, as the older
# ones need it, its systemd would move in beside this machine's.
OWN_CGROUPS = ("sh", "-c", "mount -o remount,rw /sys/fs/cgroup && exec /lib/systemd/systemd")


def have_machines(engine: Engine, site: Site, image: str, privileged: bool = False, runner: Runner = run) -> None:
    """Every machine of the inventory, and no other, is up and reachable over SSH; those that are stay as they are."""
    key = have_secrets(site, runner)
    _remove_strangers(engine, site)
    newer = engine.cgroup_version() != "1"
    boot = partial(_have_machine, engine, site, image=image, key=key, privileged=privileged, newer_cgroups=newer)
    ours = [machine for machine in site.machines if not machine.by_hypervisor]
    with step(f"starting {len(ours)} machines"), ThreadPoolExecutor(4) as pool:
        host_keys = list(pool.map(boot, ours))
    lines = [f"{machine.address} {host_key}\n" for machine, host_key in zip(ours, host_keys, strict=True)]
    (site.state / "known_hosts").write_text("".join([*lines, *_others_keys(site, ours)]))
    if any(machine.is_member for machine in ours):
        say(f"lab: no container network layer yet: {CNI_MARKER} stands in for it on the cluster's machines")
    with step("waiting for SSH"), ThreadPoolExecutor(16) as pool:
        list(pool.map(_await_ssh, ours))


def _others_keys(site: Site, ours: Sequence[Machine]) -> list[str]:
    """What playbooks wrote of machines that the lab does not start itself."""
    path, addresses = site.state / "known_hosts", {machine.address for machine in ours}
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [line for line in lines if line.split()[0] not in addresses]


def _remove_strangers(engine: Engine, site: Site) -> None:
    wanted = {site.container(machine.name) for machine in site.machines} | {site.container("mirror")}
    engine.remove([name for name in engine.containers(site.name) if name not in wanted])


def _have_machine(
    engine: Engine, site: Site, machine: Machine, *, image: str, key: str, privileged: bool, newer_cgroups: bool
) -> str:
    name = site.container(machine.name)
    privileged = privileged and machine.is_member
    have_bus(site, machine)
    found = engine.inspect(name)
    if found is not None and not fits(found, site, machine, image, privileged):
        engine.remove([name])
        found = None
    if found is None:
        start_container(engine, site, machine, image, privileged=privileged, newer_cgroups=newer_cgroups)
    elif not found["State"]["Running"]:
        engine.call("start", name)
    cni = CNI.format(path=CNI_MARKER, content=CNI_CONTENT) if machine.is_member else ""
    script = FIRST_BOOT.format(user=site.admin_user, key=key, cni=cni)
    return engine.execute(name, script).strip().splitlines()[-1]


def fits(found: Mapping[str, Any], site: Site, machine: Machine, image: str, privileged: bool) -> bool:
    """Whether a container is still the machine the inventory describes."""
    network = found["NetworkSettings"]["Networks"].get(site.name) or {}
    address = (network.get("IPAMConfig") or {}).get("IPv4Address")
    bus = volume(site, machine)
    return (
        found["Config"]["Image"] == image
        and bool(found["HostConfig"]["Privileged"]) == privileged
        and address == machine.address
        and (bus is None or bus in (found["HostConfig"].get("Binds") or []))
    )


def start_container(
    engine: Engine, site: Site, machine: Machine, image: str, *, privileged: bool, newer_cgroups: bool
) -> None:
    """A new machine, bare."""
    rights = [f"--cap-add={capability}" for capability in CAPABILITIES]
    if privileged:
        # containers in a container: their layers cannot lie on this container's own
        rights = ["--privileged", "--volume=/var/lib/rancher", "--volume=/var/lib/kubelet"]
    cgroups = "--cgroupns=private" if newer_cgroups else "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw"
    bus = volume(site, machine)
    hardware = [f"--volume={bus}"] if bus else []
    engine.call(
        "run", "--detach", "--name", site.container(machine.name), "--hostname", machine.name,
        # a reboot ends the container
        "--restart=unless-stopped", "--label", f"{LABEL}={site.name}",
        "--network", site.name, "--ip", machine.address, *rights, cgroups, *hardware,
        "--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined",
        "--tmpfs=/run", "--tmpfs=/tmp:exec", image, *(OWN_CGROUPS if newer_cgroups else ()),
    )  # fmt: skip


def answers_ssh(address: str) -> str:
    """Empty when an SSH server answers there; otherwise what was seen instead."""
    try:
        with socket.create_connection((address, 22), timeout=2) as connection:
            connection.settimeout(5)
            banner = connection.recv(64)
    except OSError as error:
        return str(error)
    return "" if banner.startswith(b"SSH-") else f"answered {banner!r}"


def _await_ssh(machine: Machine) -> None:
    deadline = time.monotonic() + SSH_SECONDS
    while last := answers_ssh(machine.address):
        if time.monotonic() > deadline:
            raise LabError(
                f"{machine.name} ({machine.address}) does not answer SSH after {SSH_SECONDS} s; last seen: {last}"
            )
        time.sleep(0.3)


def remove_lab(engine: Engine, site: Site) -> None:
    """Remove the lab's containers, network, connections and folder."""
    with step(f"removing the lab '{site.name}'"):
        engine.remove(engine.containers(site.name))
        for network in engine.networks(site.name):
            engine.call("network", "rm", network)
        close_connections(site)
        if site.state.exists():
            shutil.rmtree(site.state)


def close_connections(site: Site, runner: Runner = run) -> None:
    """End SSH's shared connections to machines that are gone; a new machine at the address would inherit them."""
    folder = control_path(site)
    for control in folder.glob("*") if folder.is_dir() else ():
        runner(["ssh", "-o", f"ControlPath={control}", "-O", "exit", "lab"], "")
    shutil.rmtree(folder, ignore_errors=True)


def control_path(site: Site) -> Path:
    """Where SSH keeps its sockets; short, because a socket's path may have 108 characters only."""
    return Path("~/.ansible/cp").expanduser() / f"lab-{site.name}"
