# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: something that is wrong, whose fault it is, and what comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Evidence, Wanted

# With one of these nothing arrives, so that whatever such a node misses is no news of anybody else.
CUT_OFF = ("link gone", "link off", "no carrier", "address", "rules")
LAYERS = {1: "link", 2: "neighbours", 3: "network", 4: "services"}


@dataclass(frozen=True)
class Host:
    """One machine of the inventory with what it saw; without evidence it could not be asked."""

    wanted: Wanted
    evidence: Evidence | None
    reason: str = ""
    # seconds that may have passed on the way to it, which its clock seems to be ahead by
    delay: float = 0.0

    @property
    def name(self) -> str:
        """The machine's name."""
        return self.wanted.name


@dataclass(frozen=True)
class Fault:
    """A fault of one node; rank orders those of one layer, checks counts what failed because of it."""

    node: str
    layer: int
    rank: int
    kind: str
    sentence: str
    checks: int = 1


@dataclass(frozen=True)
class Pair:
    """A check from one host to another that failed, and how."""

    observer: str
    target: str
    detail: str = ""


def names(parts: Sequence[str]) -> str:
    """Names in a sentence."""
    unique = sorted(set(parts))
    return unique[0] if len(unique) == 1 else f"{', '.join(unique[:-1])} and {unique[-1]}" if unique else "nobody"


@dataclass(frozen=True)
class Known:
    """Nodes that have a fault already, and among them those whose fault lets nothing through."""

    suspects: frozenset[str] = frozenset()
    cut_off: frozenset[str] = frozenset()

    def joined(self, faults: Sequence[Fault]) -> Known:
        """With the nodes of more faults."""
        cut_off = {fault.node for fault in faults if fault.kind in CUT_OFF}
        return Known(self.suspects | {fault.node for fault in faults}, self.cut_off | cut_off)


def blame(pairs: Sequence[Pair], known: Known) -> dict[str, list[Pair]]:
    """Whose fault failed checks are: whoever takes part in most of them, until all are explained.

    Before that, whoever is cut off. Among equals one who has a fault already, then the one who was looked at.
    """
    found: dict[str, list[Pair]] = {}
    left = list(pairs)
    while left:
        nodes = sorted({name for pair in left for name in _ends(pair)})
        worst = max(nodes, key=lambda name: _score(name, left, known))
        found[worst] = [pair for pair in left if worst in _ends(pair)]
        left = [pair for pair in left if worst not in _ends(pair)]
    return found


def _score(name: str, pairs: Sequence[Pair], known: Known) -> tuple[bool, int, bool, int]:
    partners = {pair.target if pair.observer == name else pair.observer for pair in pairs if name in _ends(pair)}
    return name in known.cut_off, len(partners), name in known.suspects, sum(pair.target == name for pair in pairs)


def _ends(pair: Pair) -> tuple[str, str]:
    return pair.observer, pair.target
