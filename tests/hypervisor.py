# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in of the Proxmox VE API beside a twin: broken, looked at, and asked through the playbook."""

from __future__ import annotations

import json
from typing import Any

from lab.pve.run import stop_pve
from tests.twin import Run, Twin

MASTER = "k3s-master1"


class Hypervisor:
    """The stand-in, and the playbook that talks to it."""

    def __init__(self, twin: Twin) -> None:
        self.twin, self.folder = twin, twin.state / "pve"

    def fault(self, **faults: Any) -> None:
        """What goes wrong from now on; nothing without an argument."""
        (self.folder / "faults.json").write_text(json.dumps(faults))

    def vm(self, *more: str, check: bool = False) -> Run:
        """Run the layer's playbook."""
        return self.twin.play("playbooks/vm.yml", *more, *(["--check", "--diff"] if check else []))

    def stop(self) -> None:
        """End the stand-in."""
        stop_pve(self.twin.site)

    def start(self) -> None:
        """Start it where it has ended."""
        self.twin.lab("machines", "up")

    @property
    def state(self) -> dict[str, Any]:
        """What it remembers."""
        found: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return found

    @property
    def config(self) -> dict[str, str]:
        """The master's configuration there."""
        found: dict[str, str] = self.state["vms"]["130"]["config"]
        return found

    def change(self, **config: str) -> None:
        """Somebody else changes the master; a value of nothing removes the key."""
        self._write({"vms": {"130": {"config": {**self.config, **config}}}})

    def _write(self, document: dict[str, Any]) -> None:
        self.stop()
        state = self.state
        for vmid, vm in document["vms"].items():
            state["vms"][vmid] |= {"config": {key: value for key, value in vm["config"].items() if value}}
        (self.folder / "state.json").write_text(json.dumps(state))
        self.start()

    def forget(self) -> None:
        """A node with no machine on it; its start removes the container that played the master."""
        self.stop()
        (self.folder / "state.json").unlink(missing_ok=True)
        self.start()
