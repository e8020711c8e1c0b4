# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what is known of a homelab, and a judgement of one thing in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

Object = Mapping[str, Any]

OK = "ok"
NOTE = "note"  # worth a word, and no fault
BAD = "bad"
UNKNOWN = "unknown"  # could not be looked at, though it should have been possible: a fault too
BLIND = "blind"  # hidden behind a fault that has a row of its own
OFF = "off"  # not part of what this inventory builds
FAULTS = (BAD, UNKNOWN)

DAY = 86400


@dataclass(frozen=True)
class Row:
    """One judgement: what was looked at, how it is, and a sentence that says what to do where it is not well."""

    area: str
    subject: str
    check: str
    status: str
    said: str

    @property
    def key(self) -> str:
        """What makes this row the same one in another report."""
        return f"{self.area}/{self.subject}/{self.check}"

    @property
    def is_fault(self) -> bool:
        """Whether it fails the verification."""
        return self.status in FAULTS

    def as_dict(self) -> dict[str, str]:
        """What the user sees."""
        return {
            "area": self.area,
            "subject": self.subject,
            "check": self.check,
            "status": self.status,
            "said": self.said,
        }


@dataclass(frozen=True)
class Limits:
    """From when on something is too old or too near its end."""

    certificate_days: int = 30
    backup_hours: int = 48
    snapshot_hours: int = 24
    settle_minutes: int = 15


@dataclass(frozen=True)
class World:
    """The wish, the evidence of the machines and the objects of the cluster, of one moment."""

    site: Object
    machines: Mapping[str, Object]
    evidence: Mapping[str, Object]
    # by plural; None where the cluster does not know the kind
    objects: Mapping[str, Sequence[Object] | None]
    now: float
    # why the API could not be asked; empty where it answered
    silence: str = ""
    layers: tuple[str, ...] = ()
    # seconds since the epoch, the newest backup on the controller
    backup: float | None = None
    limits: Limits = field(default_factory=Limits)

    def members(self, *groups: str) -> list[str]:
        """Machines of one of these groups, sorted."""
        wanted = set(groups or ("k3s_server", "k3s_agent"))
        return sorted(name for name, machine in self.machines.items() if wanted & set(machine.get("group_names") or ()))

    def wish(self, machine: str) -> Object:
        """How the node is wanted."""
        return self.machines[machine].get("homelab_node") or {}

    def node_name(self, machine: str) -> str:
        """What Kubernetes calls the machine."""
        return str(self.wish(machine).get("name") or machine)

    def items(self, plural: str) -> list[Object]:
        """Objects of a kind; none where the cluster does not know it."""
        return list(self.objects.get(plural) or ())

    def named(self, plural: str) -> dict[str, Object]:
        """Objects of a cluster-wide kind by name."""
        return {item["metadata"]["name"]: item for item in self.items(plural)}

    def hidden(self, machine: str) -> bool:
        """Whether the machine gave no evidence at all."""
        return machine not in self.evidence or bool(self.evidence[machine].get("unreachable"))


def found(world: World, machine: str, what: str) -> Object | None:
    """One piece of evidence, None where the look at it failed or never was."""
    piece = (world.evidence.get(machine) or {}).get(what)
    return None if not piece or piece.get("failed") or piece.get("skipped") else piece


def failure(world: World, machine: str, what: str) -> str:
    """Why a piece of evidence is missing, in a sentence."""
    piece = (world.evidence.get(machine) or {}).get(what) or {}
    return str(piece.get("msg") or "nobody looked").strip().splitlines()[0]


def verdict(area: str, subject: str, check: str, problems: Iterable[str], well: str) -> Row:
    """A row from the sentences that speak against it."""
    sentences = list(dict.fromkeys(problems))
    return Row(area, subject, check, BAD if sentences else OK, "; ".join(sentences) or well)


def moment(text: str | None) -> float | None:
    """Seconds since the epoch of a time as the API writes it."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc).timestamp()
    except ValueError:
        return None


def age(seconds: float) -> str:
    """A span of time as people say it."""
    seconds = max(0, int(seconds))
    for size, word in ((DAY, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}{'s' if count != 1 else ''}"
    return "less than a minute"


def full_name(item: Object) -> str:
    """namespace/name, or the name of what belongs to no namespace."""
    metadata = item["metadata"]
    return "/".join(part for part in (metadata.get("namespace"), metadata["name"]) if part)


def some(names: Iterable[str], most: int = 4) -> str:
    """The first few names of many."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
