# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what a backup says of itself, and whether it may be restored here; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .._k3s.state import parse_version

FORMAT = 1
MANIFEST = "manifest.json"
SNAPSHOT = "snapshot"
TOKEN = "server/token"


class BackupError(Exception):
    """A backup that cannot be made, read or restored; the message is one sentence."""


@dataclass(frozen=True, order=True)
class Item:
    """One object of the API, by what it is and which one it is."""

    kind: str
    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Manifest:
    """What is in an archive."""

    site: str
    created: str  # UTC, ISO 8601
    version: str  # of K3s
    datastore: str  # etcd, sqlite
    cluster: str  # uid of the namespace kube-system
    files: Mapping[str, str]  # path in the archive -> SHA-256
    items: tuple[Item, ...]

    def text(self) -> str:
        """As it is written into the archive."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True)


def manifest_from(text: str) -> Manifest:
    """Read a manifest; raise BackupError for what is none."""
    try:
        document: dict[str, Any] = json.loads(text)
        if document.pop("format") != FORMAT:
            raise BackupError("the backup was made by another release of this collection; restore it with that one")
        items = tuple(Item(**item) for item in document.pop("items"))
        return Manifest(items=items, **document)
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"the backup's manifest cannot be read ({error}); take another backup") from error


def common(before: Sequence[Item], after: Sequence[Item]) -> tuple[Item, ...]:
    """Objects that were there before and after the snapshot, and so are in it."""
    return tuple(sorted(set(before) & set(after)))


def cluster_of(items: Sequence[Item]) -> str:
    """The cluster's identity."""
    found = [item.uid for item in items if item.kind == "Namespace" and item.name == "kube-system"]
    if not found:
        raise BackupError("the API lists no namespace kube-system; look at the server before backing it up")
    return found[0]


def items_from(table: str) -> list[Item]:
    """Read kubectl's columns kind, namespace, name, uid."""
    rows = (line.split() for line in table.splitlines() if line.strip())
    items = [Item(kind, "" if namespace == "<none>" else namespace, name, uid) for kind, namespace, name, uid in rows]
    return lasting(items)


def lasting(items: Sequence[Item]) -> list[Item]:
    """Without the password Secrets of nodes, which are made anew when a node joins."""
    return [item for item in items if not item.name.endswith(".node-password.k3s")]


def refusals(manifest: Manifest, wanted_version: str, founded: str, token: str) -> list[str]:
    """Why a backup cannot be restored here; 'founded' is the token that its datastore is encrypted with."""
    reasons = []
    made, wanted = parse_version(manifest.version), parse_version(wanted_version)
    if made and wanted and made[:2] > wanted[:2]:
        reasons.append(
            f"the backup was made by K3s {manifest.version}, and the inventory wants {wanted_version}; a datastore "
            "goes to the same or a newer minor version only: set homelab_k3s_version to the backup's"
        )
    if founded.strip().rpartition("::server:")[2] != token:
        reasons.append(
            "the backup's datastore is encrypted with another server token than the inventory's; put the one of that "
            "time into homelab_k3s_server_token"
        )
    return reasons


def missing(manifest: Manifest, found: Sequence[Item]) -> list[Item]:
    """Objects of the backup that the API does not have, or has as other ones."""
    return sorted(set(manifest.items) - set(found))


def newer(manifest: Manifest, found: Sequence[Item]) -> list[Item]:
    """Objects of the API that the backup does not have: a restore loses them."""
    return sorted(set(found) - set(manifest.items))


def some(items: Sequence[Item], most: int = 8) -> str:
    """The first of them, for a sentence."""
    return ", ".join(map(str, items[:most])) + (f" and {len(items) - most} more" if len(items) > most else "")
