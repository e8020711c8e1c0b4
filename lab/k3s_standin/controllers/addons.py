# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests in server/manifests become objects, at start and whenever a file changes (fact A8)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.k3s_standin import log
from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.errors import ApiError, Obj

INTERVAL = 2.0
KEYS = ("addons.k3s.cattle.io",)
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass
class Addons:
    """Applies files; removing a file deletes nothing, `FILE.skip` and `disable: [NAME]` suppress one."""

    client: Client
    directory: Path
    node: str
    disabled: frozenset[str] = frozenset()
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def sync(self) -> None:
        """Apply every file that is new or changed since the last look."""
        for path in sorted(self.directory.rglob("*")):
            name = str(path.relative_to(self.directory))
            if path.suffix not in _SUFFIXES or path.stem in self.disabled or Path(f"{path}.skip").exists():
                continue
            try:
                found = path.stat()
                mark = (found.st_mtime_ns, found.st_size)
                if self._seen.get(name) == mark:
                    continue
                content = path.read_bytes()
            except FileNotFoundError:
                continue
            self._deploy(path, content)
            self._seen[name] = mark

    def _deploy(self, path: Path, content: bytes) -> None:
        checksum = hashlib.sha256(content).hexdigest()
        addon = self.client.find("addons.k3s.cattle.io", path.stem, "kube-system")
        if addon is not None and addon.get("spec", {}).get("checksum") == checksum:
            return
        try:
            for document in _documents(content):
                self.client.apply(document, manager=f"deploy@{self.node}")
        except (ApiError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            # Not recorded: tried again when the file changes or the server starts, and the line says why.
            log.error(f"Failed to process config: failed to process {path}: {error}")
            return
        metadata = {"name": path.stem, "namespace": "kube-system"}
        spec = {"source": str(path), "checksum": checksum}
        self.client.apply({"apiVersion": "k3s.cattle.io/v1", "kind": "Addon", "metadata": metadata, "spec": spec})
        log.info(f"Applied manifest at {str(path)!r}")


def _documents(content: bytes) -> list[Obj]:
    found: list[Obj] = []
    document: Any
    for document in yaml.safe_load_all(content):
        if not document:
            continue
        found += document["items"] if document.get("kind") == "List" else [document]
    return found
