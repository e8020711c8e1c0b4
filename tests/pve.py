# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's stand-in of the Proxmox VE API in a test's own process, with machines that only exist in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.pve.access import PRIVILEGES
from lab.pve.api import Api
from lab.pve.certificates import have_certificates
from lab.pve.faults import Faults
from lab.pve.server import Server
from lab.pve.store import Store

SECRET = "11112222333344445555666677778888"
ADDRESS = "127.0.0.1"


class Memory:
    """Machines that run because somebody said so."""

    def __init__(self) -> None:
        self.on: set[int] = set()

    def running(self, vm: dict[str, Any]) -> bool:
        return vm["vmid"] in self.on

    def start(self, vm: dict[str, Any]) -> None:
        self.on.add(vm["vmid"])

    def stop(self, vm: dict[str, Any]) -> None:
        self.on.discard(vm["vmid"])

    def destroy(self, vm: dict[str, Any]) -> None:
        self.on.discard(vm["vmid"])

    def snapshot(self, vm: dict[str, Any], name: str) -> None:
        return

    def rollback(self, vm: dict[str, Any], name: str) -> None:
        self.on.discard(vm["vmid"])

    def drop_snapshot(self, vm: dict[str, Any], name: str) -> None:
        return

    def agent_answers(self, vm: dict[str, Any]) -> bool:
        return False

    def interfaces(self, vm: dict[str, Any]) -> list[dict[str, Any]]:
        return []


class Pve:
    """A running stand-in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        have_certificates(folder / "certificates", ADDRESS)
        self.api = Api(Store(folder), Faults(folder), Memory())
        self.api.access.account("ansible@pve", "password", {"/": PRIVILEGES})
        self.api.access.account("ansible@pve!homelab", SECRET, {"/": PRIVILEGES})
        self.api.access.account("ansible@pve!powerless", SECRET, {})
        self.server = Server((ADDRESS, 0), self.api, folder / "certificates")
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def ca(self) -> str:
        """The file of its CA."""
        return str(self.folder / "certificates" / "ca.pem")

    def fault(self, **faults: Any) -> None:
        """What goes wrong from now on; nothing without an argument."""
        (self.folder / "faults.json").write_text(json.dumps(faults))

    def put(self, vmid: int, running: bool = False, **config: str) -> None:
        """A machine that is there already."""
        self.api.store.vms[str(vmid)] = {"vmid": vmid, "config": config, "active": dict(config), "snapshots": {}}
        if running:
            self.api.guests.start(self.api.store.vms[str(vmid)])

    def stop(self) -> None:
        """No longer there."""
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def serving(folder: Path) -> Iterator[Pve]:
    """A stand-in for as long as a test needs it."""
    pve = Pve(folder)
    try:
        yield pve
    finally:
        pve.stop()
