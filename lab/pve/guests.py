# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a virtual machine is in the lab: a container like the lab's other machines, with its cloud-init."""

from __future__ import annotations

import json
import re
from typing import Any, Protocol
from urllib.parse import unquote

from lab.engine import Engine
from lab.errors import LabError
from lab.machines import CNI, CNI_CONTENT, CNI_MARKER, FIRST_BOOT, start_container
from lab.pve.errors import TaskError
from lab.pve.faults import Faults
from lab.site import LABEL, Machine, Site

ADDRESS = re.compile(r"ip=([0-9.]+)/\d+")
# A double of cloud-init's command: what the program says when the lab has done its work.
CLOUD_INIT = """
cat > /usr/bin/cloud-init <<'DOUBLE'
#!/bin/sh
# a double of cloud-init, placed by the lab
echo '{answer}'
exit {status}
DOUBLE
chmod 0755 /usr/bin/cloud-init
hostname {name} 2>/dev/null || :
"""


class Guests(Protocol):
    """What the API does with machines."""

    def running(self, vm: dict[str, Any]) -> bool:
        """Whether it runs."""

    def start(self, vm: dict[str, Any]) -> None:
        """Start it, with what its cloud-init drive says."""

    def stop(self, vm: dict[str, Any]) -> None:
        """End it; its disk stays."""

    def destroy(self, vm: dict[str, Any]) -> None:
        """Remove it with its disk and all its snapshots."""

    def snapshot(self, vm: dict[str, Any], name: str) -> None:
        """Keep its disk as it is now."""

    def rollback(self, vm: dict[str, Any], name: str) -> None:
        """Give it the disk of a snapshot; it is stopped then."""

    def drop_snapshot(self, vm: dict[str, Any], name: str) -> None:
        """Forget a snapshot."""

    def agent_answers(self, vm: dict[str, Any]) -> bool:
        """Whether a guest agent runs in it."""

    def interfaces(self, vm: dict[str, Any]) -> list[dict[str, Any]]:
        """What ip(8) says in it."""


class Containers:
    """Virtual machines as containers of one lab."""

    def __init__(self, engine: Engine, site: Site, image: str, faults: Faults, privileged: bool = False) -> None:
        self._engine, self._site, self._image = engine, site, image
        self._faults, self._privileged = faults, privileged

    def _name(self, vm: dict[str, Any]) -> str:
        return self._site.container(vm["config"]["name"])

    def _kept(self, vm: dict[str, Any], name: str) -> str:
        return f"{snapshots_of(self._site)}:{vm['vmid']}-{name.lower()}"

    def running(self, vm: dict[str, Any]) -> bool:
        """Whether its container runs."""
        found = self._engine.inspect(self._name(vm))
        return bool(found and found["State"]["Running"])

    def start(self, vm: dict[str, Any]) -> None:
        """Start its container, new or as it was left."""
        try:
            if self._engine.inspect(self._name(vm)) is None:
                self._make(vm, vm.get("image") or self._image)
            else:
                self._engine.call("start", self._name(vm))
            self._engine.execute(self._name(vm), self._first_boot(vm["config"]))
        except LabError as error:
            raise TaskError(f"start failed: {error}") from error

    def _make(self, vm: dict[str, Any], image: str) -> None:
        found = ADDRESS.search(vm["config"].get("ipconfig0", ""))
        if found is None:
            raise TaskError("start failed: the lab's machines need a static address in ipconfig0")
        machine = Machine(vm["config"]["name"], found[1], ())
        newer = self._engine.cgroup_version() != "1"
        start_container(
            self._engine, self._site, machine, image, privileged=self._privileged, newer_cgroups=newer
        )  # fmt: skip

    def _first_boot(self, config: dict[str, Any]) -> str:
        problem = self._faults.get("cloud_init")
        state = {"status": "error" if problem else "done", "errors": [problem] if problem else [], "lab": "a double"}
        keys = unquote(config.get("sshkeys", "")).strip()
        double = CLOUD_INIT.format(answer=json.dumps(state), status=int(bool(problem)), name=config["name"])
        # as on the lab's other machines, the place of a container network is taken on members of the cluster
        members = {machine.name for machine in self._site.machines if machine.is_member}
        cni = CNI.format(path=CNI_MARKER, content=CNI_CONTENT) if config["name"] in members else ""
        return double + FIRST_BOOT.format(user=config.get("ciuser", "debian"), key=keys, cni=cni)

    def stop(self, vm: dict[str, Any]) -> None:
        """Stop its container."""
        self._engine.call("stop", "--time", "20", self._name(vm))

    def destroy(self, vm: dict[str, Any]) -> None:
        """Remove its container and its snapshots."""
        self._engine.remove([self._name(vm)] if self._engine.inspect(self._name(vm)) else [])
        for name in vm["snapshots"]:
            self.drop_snapshot(vm, name)

    def snapshot(self, vm: dict[str, Any], name: str) -> None:
        """Commit its container to an image."""
        if self._engine.inspect(self._name(vm)) is not None:
            self._engine.call("commit", "--change", f"LABEL {LABEL}=image", self._name(vm), self._kept(vm, name))

    def rollback(self, vm: dict[str, Any], name: str) -> None:
        """Make its container again from a snapshot's image at the next start."""
        if self._engine.inspect(self._name(vm)) is not None:
            self._engine.remove([self._name(vm)])
        vm["image"] = self._kept(vm, name) if self._engine.has_image(self._kept(vm, name)) else None

    def drop_snapshot(self, vm: dict[str, Any], name: str) -> None:
        """Remove a snapshot's name; an image that a container uses stays until that is gone."""
        self._engine.drop_image(self._kept(vm, name))

    def agent_answers(self, vm: dict[str, Any]) -> bool:
        """Whether the agent's package is in it; a container has no channel that it could use."""
        try:
            self._engine.execute(self._name(vm), "test -x /usr/sbin/qemu-ga")
        except LabError:
            return False
        return True

    def interfaces(self, vm: dict[str, Any]) -> list[dict[str, Any]]:
        """Names and addresses as ip(8) has them."""
        links = json.loads(self._engine.execute(self._name(vm), "ip -json address"))
        return [
            {
                "name": link["ifname"],
                "hardware-address": link.get("address", ""),
                "ip-addresses": [
                    {
                        "ip-address": address["local"],
                        "ip-address-type": "ipv4" if address["family"] == "inet" else "ipv6",
                        "prefix": address["prefixlen"],
                    }
                    for address in link.get("addr_info", ())
                ],
            }
            for link in links
        ]


def snapshots_of(site: Site) -> str:
    """The repository of a lab's snapshots in the container engine."""
    return f"fletcherlabs-homelab/snapshots-{site.name}"


def remove_snapshots(engine: Engine, site: Site) -> None:
    """Remove what is left of a lab's snapshots."""
    found = engine.call("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", snapshots_of(site)).split()
    for name in found:
        engine.drop_image(name)
