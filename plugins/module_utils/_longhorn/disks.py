# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which disks Longhorn should know of each node, and how to get there; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

LABEL = "node.longhorn.io/create-default-disk"
ANNOTATION = "node.longhorn.io/default-disks-config"


@dataclass(frozen=True)
class WantedDisk:
    """A directory that Longhorn may fill, but for the reserved bytes."""

    name: str
    path: str
    tags: tuple[str, ...]
    reserved: int


@dataclass(frozen=True)
class WantedNode:
    """A node's disks; absent are paths whose disk is out of the machine just now."""

    name: str
    disks: tuple[WantedDisk, ...]
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundDisk:
    """A disk as Longhorn has it."""

    name: str
    path: str
    tags: tuple[str, ...] = ()
    reserved: int = 0
    scheduling: bool = True
    evicting: bool = False
    replicas: int = 0


@dataclass(frozen=True)
class LocalVolume:
    """A volume of another storage system in a directory of some nodes; no nodes means any."""

    name: str
    path: str
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundNode:
    """A node as Kubernetes has it, and as Longhorn has it where Longhorn has seen it."""

    name: str
    label: str | None = None
    config: Any = None  # the annotation, parsed; None where there is none that can be parsed
    seen: bool = False
    disks: tuple[FoundDisk, ...] = ()
    version: str = ""


@dataclass(frozen=True)
class Action:
    """One change: of the Node object, or of Longhorn's own node."""

    kind: str
    node: str
    sentence: str
    label: str | None = None
    config: tuple[Mapping[str, Any], ...] | None = None
    disks: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)

    def as_dict(self) -> dict[str, str]:
        """What the user sees of this step."""
        return {"kind": self.kind, "target": self.node, "sentence": self.sentence}


@dataclass(frozen=True)
class Plan:
    """What to do, what is left as it is and why, and what speaks against doing anything."""

    actions: tuple[Action, ...]
    kept: tuple[str, ...]
    problems: tuple[str, ...]


def plan(wanted: Sequence[WantedNode], found: Mapping[str, FoundNode], volumes: Sequence[LocalVolume]) -> Plan:
    """Problems forbid all actions, so that no node is changed while another one is wrong."""
    ordered = sorted(wanted, key=lambda node: node.name)
    problems = [sentence for node in ordered for sentence in _problems(node, found.get(node.name), volumes)]
    present = [(node, found[node.name]) for node in ordered if node.name in found]
    kept = [sentence for node, here in present for sentence in _kept(node, here)]
    if problems:
        return Plan((), tuple(kept), tuple(problems))
    actions = [action for node, here in present for action in _actions(node, here)]
    return Plan(tuple(actions), tuple(kept), ())


def to_come(wanted: Sequence[WantedNode], found: Mapping[str, FoundNode]) -> list[Action]:
    """What a rehearsal tells of nodes that have not registered yet."""
    return [
        Action("label_node", node.name, f"{node.name}: register, then announce {_list(node.disks)} to Longhorn")
        for node in wanted
        if node.name not in found and node.disks
    ]


def _list(disks: Sequence[WantedDisk]) -> str:
    return ", ".join(f"{disk.name} at {disk.path}" for disk in disks)


def _problems(wanted: WantedNode, found: FoundNode | None, volumes: Sequence[LocalVolume]) -> Iterator[str]:
    for field_name in ("name", "path"):
        values = [getattr(disk, field_name) for disk in wanted.disks]
        for value in sorted({value for value in values if values.count(value) > 1}):
            yield f"{wanted.name}: two disks have the {field_name} '{value}', expected one; correct the node's tiers"
    for disk in wanted.disks:
        for volume in volumes:
            if (not volume.nodes or wanted.name in volume.nodes) and _overlap(disk.path, volume.path):
                yield (
                    f"{wanted.name}: {disk.path} is wanted for Longhorn and holds the volume {volume.name} "
                    f"(at {volume.path}) of another storage system, expected one system for a directory; move that "
                    "volume away and delete it, or take the tier off the node"
                )
    by_name = {disk.name: disk for disk in found.disks} if found else {}
    paths = {_same(disk.path) for disk in found.disks} if found else set()
    for disk in wanted.disks:
        other = by_name.get(disk.name)
        if other and _same(disk.path) not in paths:
            yield (
                f"{wanted.name}: Longhorn has the disk {disk.name} at {other.path}, expected {disk.path}, and a disk "
                "never moves; evict it in Longhorn and delete it there, then run again"
            )


def _same(path: str) -> str:
    return str(PurePosixPath(path))


def _overlap(one: str, other: str) -> bool:
    return PurePosixPath(one).is_relative_to(other) or PurePosixPath(other).is_relative_to(one)


def _actions(wanted: WantedNode, found: FoundNode) -> Iterator[Action]:
    config = tuple(
        {"name": each.name, "path": each.path, **_spec(each)} for each in sorted(wanted.disks, key=lambda e: e.name)
    )
    if config and (found.label != "config" or found.config != list(config)):
        sentence = f"{wanted.name}: announce {_list(wanted.disks)} to Longhorn"
        yield Action("label_node", wanted.name, sentence, "config", config)
    elif not config and not wanted.absent and found.label == "config" and found.config is not None:
        yield Action("label_node", wanted.name, f"{wanted.name}: announce no disks to Longhorn any more")
    changes = _changes(wanted, found) if found.seen else {}
    if changes:
        parts = [_part(name, change, found) for name, change in changes.items()]
        yield Action("patch_disks", wanted.name, f"{wanted.name}: {', '.join(parts)}", disks=changes)


def _spec(disk: WantedDisk) -> dict[str, Any]:
    return {"allowScheduling": True, "storageReserved": disk.reserved, "tags": sorted(disk.tags)}


def _changes(wanted: WantedNode, found: FoundNode) -> dict[str, Mapping[str, Any] | None]:
    """The merge patch of Longhorn's disks. Whether a disk takes replicas is the operator's to say once it is there."""
    changes: dict[str, Mapping[str, Any] | None] = {}
    here = {_same(disk.path): disk for disk in found.disks}
    for disk in wanted.disks:
        old = here.get(_same(disk.path))
        if old is None:
            changes[disk.name] = {
                "path": disk.path, "diskType": "filesystem", "evictionRequested": False, **_spec(disk)
            }  # fmt: skip
            continue
        change: dict[str, Any] = {}
        if old.reserved != disk.reserved:
            change["storageReserved"] = disk.reserved
        if sorted(old.tags) != sorted(disk.tags):
            change["tags"] = sorted(disk.tags)
        if change:
            changes[old.name] = change
    return changes | {disk.name: None for disk in _unwanted(wanted, found) if _is_free(disk)}


def _unwanted(wanted: WantedNode, found: FoundNode) -> list[FoundDisk]:
    paths = {_same(disk.path) for disk in wanted.disks} | {_same(path) for path in wanted.absent}
    return [disk for disk in found.disks if _same(disk.path) not in paths]


def _is_free(disk: FoundDisk) -> bool:
    """Empty, and told to stay so: only then is it taken away."""
    return not disk.replicas and disk.evicting and not disk.scheduling


def _kept(wanted: WantedNode, found: FoundNode) -> Iterator[str]:
    for disk in _unwanted(wanted, found):
        if _is_free(disk):
            continue
        what = f"{disk.replicas} replicas" if disk.replicas else "no replica, but may still get some"
        yield (
            f"{wanted.name}: Longhorn's disk {disk.name} at {disk.path} is not in the inventory and is kept, since it "
            f"has {what}; disable its scheduling and request its eviction in Longhorn, then run again"
        )


def _part(name: str, change: Mapping[str, Any] | None, found: FoundNode) -> str:
    if change is None:
        return f"remove the evicted disk {name}"
    old = next((disk for disk in found.disks if disk.name == name), None)
    if old is None:
        return f"add the disk {name} at {change['path']}"
    texts = []
    if "storageReserved" in change:
        texts.append(f"reserve {change['storageReserved']} bytes instead of {old.reserved}")
    if "tags" in change:
        texts.append(f"tags {', '.join(change['tags']) or 'none'} instead of {', '.join(old.tags) or 'none'}")
    return f"disk {name}: {' and '.join(texts)}"


def difference(actions: Sequence[Action], found: Mapping[str, FoundNode]) -> dict[str, str]:
    """The disks of each changed node before and after, for diff mode."""
    before, after = [], []
    for action in actions:
        here = found.get(action.node)
        if action.kind == "label_node":
            before += _config_lines(action.node, here.config if here else None)
            after += _config_lines(action.node, action.config) if here else [action.sentence]
            continue
        old = {disk.name: disk for disk in here.disks} if here else {}
        for name, change in action.disks.items():
            values = _values(old[name]) if name in old else {}
            before += [_disk_line(action.node, name, values)] if values else []
            after += [_disk_line(action.node, name, {**values, **change})] if change is not None else []
    return {"before": "".join(f"{line}\n" for line in before), "after": "".join(f"{line}\n" for line in after)}


def _values(disk: FoundDisk) -> dict[str, Any]:
    return {"path": disk.path, "storageReserved": disk.reserved, "tags": list(disk.tags)}


def _config_lines(node: str, config: Any) -> list[str]:
    entries = config if isinstance(config, (list, tuple)) else []
    return [f"announced: {_disk_line(node, str(entry.get('name')), entry)}" for entry in entries]


def _disk_line(node: str, name: str, values: Mapping[str, Any]) -> str:
    tags = ", ".join(values.get("tags") or ()) or "none"
    return f"{node} disk {name} at {values.get('path')}, reserved {values.get('storageReserved', 0)}, tags {tags}"
