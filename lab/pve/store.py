# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the double remembers: one file, so that a restart carries on."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

GIB = 1024**3
Document = dict[str, Any]

# As an installation of Proxmox VE makes them, with content for importing enabled on the directory.
STORAGES: Document = {
    "local": {
        "type": "dir", "content": ["iso", "vztmpl", "backup", "import"], "total": 90 * GIB, "base": 8 * GIB,
        "volumes": {},
    },
    "local-lvm": {
        "type": "lvmthin", "content": ["images", "rootdir"], "total": 400 * GIB, "base": 0, "volumes": {},
    },
}  # fmt: skip


class Store:
    """A document on disk, and the lock that every reader and writer takes."""

    def __init__(self, folder: Path, node: str = "pve") -> None:
        self.folder = folder
        self.lock = threading.RLock()
        self._path = folder / "state.json"
        if self._path.exists():
            self.document: Document = json.loads(self._path.read_text())
        else:
            self.document = fresh(node)
            self.save()

    def save(self) -> None:
        """Write the whole document, whole or not at all."""
        with self.lock:
            part = self._path.with_name(".state.json")
            part.write_text(json.dumps(self.document, indent=1))
            part.replace(self._path)

    @property
    def node(self) -> str:
        """The only node's name."""
        return str(self.document["node"])

    @property
    def vms(self) -> Document:
        """The virtual machines, by their ids as texts."""
        found: Document = self.document["vms"]
        return found

    @property
    def storages(self) -> Document:
        """The storages, by name."""
        found: Document = self.document["storages"]
        return found

    def free(self, storage: str) -> int:
        """Bytes that the storage still has."""
        found = self.storages[storage]
        used = found["base"] + sum(int(volume["size"]) for volume in found["volumes"].values())
        return max(0, int(found["total"]) - used)


def fresh(node: str) -> Document:
    """A node with no machine on it."""
    storages = json.loads(json.dumps(STORAGES))
    return {"node": node, "version": "8.4.1", "storages": storages, "vms": {}, "tasks": {}, "accounts": {}}
