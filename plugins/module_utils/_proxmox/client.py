# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what the planner has to know of a Proxmox VE node, read through proxmoxer."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Mapping
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.failure import (
    COMMUNITY_SECONDS,
    sentence_for,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.model import Found, Machine, Storage, Wanted
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.refuse import needed

try:
    from proxmoxer import ProxmoxAPI
    from proxmoxer.core import AuthenticationError, ResourceException
    from requests.adapters import HTTPAdapter
    from requests.exceptions import RequestException

    PROXMOXER_PROBLEM = None
except ImportError:
    PROXMOXER_PROBLEM = traceback.format_exc()
    HTTPAdapter = object  # type: ignore[assignment, misc, unused-ignore]

ROOT_CA = "pve-root-ca.pem"


class ProxmoxError(Exception):
    """The API cannot be asked, or refuses; the message is one sentence."""


class Pinned(HTTPAdapter):
    """Takes the one certificate whose SHA-256 is known, and no other."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> Any:
        """Every connection compares before it sends anything."""
        return super().init_poolmanager(*arguments, assert_fingerprint=self._fingerprint, **options)


class Node:
    """The API of a Proxmox VE cluster, asked about one machine on one node."""

    def __init__(self, host: str, port: int, user: str, token: tuple[str, str], timeout: int) -> None:
        self._host, self._port = host, port
        self._options = {
            "port": port, "user": user, "token_name": token[0], "token_value": token[1], "timeout": timeout,
        }  # fmt: skip

    def connect(self, ca_path: str | None, fingerprint: str | None) -> None:
        """Trust a CA's file, a fingerprint, or what the system trusts."""
        if ca_path and not os.path.exists(ca_path):
            raise ProxmoxError(f"ca_path {ca_path} is not there; copy the node's /etc/pve/pve-root-ca.pem to it")
        verify: bool | str = ca_path if ca_path else not fingerprint
        self._api = ProxmoxAPI(self._host, verify_ssl=verify, **self._options)
        if fingerprint and not ca_path:
            self._api._store["session"].mount("https://", Pinned(fingerprint))
        self._hasten()

    def _hasten(self) -> None:
        """The first answer tells how quick the API is; community.proxmox does not wait long."""
        begin = time.monotonic()
        self._version = str(self.ask("version")["version"])
        seconds = time.monotonic() - begin
        if seconds > COMMUNITY_SECONDS:
            raise ProxmoxError(
                f"the API took {seconds:.0f} s to answer, expected at most {COMMUNITY_SECONDS}, which is as long as "
                "community.proxmox waits; look at the node's load, then run again"
            )

    def ask(self, *path: str, **parameters: Any) -> Any:
        """The answer of a path; ProxmoxError in one sentence."""
        try:
            return self._api(list(path)).get(**parameters)
        except (ResourceException, AuthenticationError, RequestException, OSError) as error:
            raise ProxmoxError(sentence_for(str(error))) from error

    def found(self, wanted: Wanted) -> Found:
        """Everything the plan is made from."""
        nodes = tuple(sorted(str(node["node"]) for node in self.ask("nodes")))
        machines = self.machines()
        target = next((machine for machine in machines if machine.name == wanted.name), None)
        vmid = target.vmid if target else wanted.vmid
        free = int(self.ask("cluster", "nextid"))
        privileges = {path: self._may(path) for path in needed(wanted, vmid or free)}
        config: dict[str, str] = {}
        pending: dict[str, str] = {}
        if target and target.kind == "qemu":
            config = self.config(target)
            place = ("nodes", target.node, "qemu", str(vmid))
            rows = self.ask(*place, "pending") if target.running else ()
            pending = {str(row["key"]): str(row["pending"]) for row in rows if "pending" in row}
        storages, volumes = self._storages(wanted, nodes)
        return Found(self._version, nodes, machines, free, storages, volumes, config, pending, privileges)

    def machines(self) -> tuple[Machine, ...]:
        """What runs in the cluster, as far as the token sees it."""
        return tuple(machine_from(row) for row in self.ask("cluster", "resources", type="vm"))

    def config(self, machine: Machine) -> dict[str, str]:
        """A machine's configuration."""
        return texts(self.ask("nodes", machine.node, "qemu", str(machine.vmid), "config"))

    def storages(self, node: str) -> dict[str, Storage]:
        """The storages of a node."""
        return {str(row["storage"]): storage_from(row) for row in self.ask("nodes", node, "storage")}

    def _may(self, path: str) -> frozenset[str]:
        given = self.ask("access", "permissions", path=path) or {}
        return frozenset(name for names in given.values() for name in names)

    def _storages(self, wanted: Wanted, nodes: tuple[str, ...]) -> tuple[dict[str, Storage], frozenset[str]]:
        if wanted.node not in nodes:
            return {}, frozenset()
        storages = self.storages(wanted.node)
        image = wanted.image.storage
        if image not in storages or "import" not in storages[image].content:
            return storages, frozenset()
        content = self.ask("nodes", wanted.node, "storage", image, "content", content="import")
        return storages, frozenset(str(row["volid"]) for row in content)

    def snapshots(self, node: str, vmid: int) -> list[dict[str, Any]]:
        """The snapshots of a machine, without the one that stands for now."""
        rows = self.ask("nodes", node, "qemu", str(vmid), "snapshot")
        return [row for row in rows if row["name"] != "current"]

    def authority(self, node: str) -> str:
        """The CA of the cluster, over a connection that was trusted by its fingerprint."""
        rows = self.ask("nodes", node, "certificates", "info")
        return next((str(row["pem"]) for row in rows if row.get("filename") == ROOT_CA), "")


def texts(document: Mapping[str, Any]) -> dict[str, str]:
    """A configuration with every value as a text, as its file has it."""
    return {key: str(value) for key, value in document.items()}


def machine_from(row: Mapping[str, Any]) -> Machine:
    """A line of the cluster's list."""
    running = row.get("status") == "running"
    return Machine(int(row["vmid"]), str(row.get("name", "")), str(row["node"]), running, str(row["type"]))


def storage_from(row: Mapping[str, Any]) -> Storage:
    """A storage as the node shows it."""
    return Storage(str(row["type"]), tuple(str(row.get("content", "")).split(",")), int(row.get("avail", 0)))
