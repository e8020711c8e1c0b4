# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: clocks against the controller's and against time servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import Fault
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.judge_pairs import Seen
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.sharing import Circumstances, Outside, shared

# Clocks of two machines are not read at the same moment.
CONTROLLER_LIMIT = 10.0
# etcd and certificates suffer beyond (facts I7).
NTP_LIMIT = 0.5


def controller_clock(seen: Seen, delays: Mapping[str, float]) -> Iterator[Fault]:
    """Clocks that differ from the controller's, whatever the way took; when all do alike, it is the controller's."""
    offsets = {name: evidence["clock"] for name, evidence in seen.items() if evidence["clock"] is not None}
    wrong = {
        name: offset
        for name, offset in offsets.items()
        if offset < -CONTROLLER_LIMIT or offset - delays.get(name, 0.0) > CONTROLLER_LIMIT
    }
    if len(wrong) > 1 and len(wrong) == len(offsets) and max(wrong.values()) - min(wrong.values()) < CONTROLLER_LIMIT:
        offset = min(wrong.values(), key=abs)
        yield Fault("controller", 3, 8, "clock", f"its clock is {_seconds(-offset)} all machines' clocks: set it right")
        return
    for name, offset in sorted(wrong.items()):
        limit = f"expected at most {CONTROLLER_LIMIT:.0f} s"
        text = f"its clock is {_seconds(offset)} the controller's, {limit}: timedatectl set-ntp true"
        yield Fault(name, 3, 8, "clock", text)


def time_servers(seen: Seen, around: Circumstances) -> Iterator[Fault]:
    """Time servers that are silent, and clocks that differ from theirs."""
    views: dict[str, dict[str, float | None]] = {}
    for name, evidence in seen.items():
        for server, offset in (evidence.get("ntp") or {}).items():
            views.setdefault(server, {})[name] = offset
    for server, answers in sorted(views.items()):
        failed = sorted(name for name, offset in answers.items() if offset is None)
        place = Outside(
            f"time server {server}",
            server,
            (3, 11, "ntp"),
            f"gives none of {len(answers)} hosts the time: start it, or correct homelab_node_network.ntp",
            f"the time server {server} does not answer it, but others: check route and packet filter",
        )
        yield from shared(place, failed, list(answers), around)
        yield from _offsets(server, {name: offset for name, offset in answers.items() if offset is not None})


def _offsets(server: str, answers: dict[str, float]) -> Iterator[Fault]:
    wrong = {name: offset for name, offset in answers.items() if abs(offset) > NTP_LIMIT}
    if wrong and len(answers) > 1 and max(answers.values()) - min(answers.values()) <= NTP_LIMIT:
        text = f"is {_seconds(min(wrong.values(), key=abs))} all machines' clocks, which agree: correct it"
        yield Fault(f"time server {server}", 3, 12, "clock", text)
        return
    for name, offset in sorted(wrong.items()):
        limit = f"expected at most {NTP_LIMIT} s"
        text = f"its clock is {_seconds(-offset)} the time server {server}, {limit}: timedatectl set-ntp true"
        yield Fault(name, 3, 8, "clock", text)


def _seconds(offset: float) -> str:
    return f"{abs(offset):.1f} s {'ahead of' if offset > 0 else 'behind'}"
