# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: from what is on a host to the ordered steps of its reset; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .model import NODE_PASSWORD, REBOOT_MARK, Action, Found, ResetError, Wish
from .mounts import reasons_to_keep, unmounting_order
from .network import LOCAL_PRIORITY, cilium_rules, is_cilium_link, lacks_first_rule, ordered_links, own_lines
from .paths import is_of_cilium, removal_order, starts_units
from .refuse import refusals

# What lives on in the kernel when its files and links are gone: programs on interfaces and control groups.
_WHY_REBOOT = {
    "restore_rule": "routing rules",
    "delete_rule": "routing rules",
    "flush_table": "routing tables",
    "filter_packets": "packet filter rules",
}


def plan(wish: Wish, found: Found) -> list[Action]:
    """The steps in order; raise ResetError with every refusal, before there is any step."""
    paths = removal_order(_paths(wish, found))
    reasons = refusals(wish, found, paths)
    if reasons:
        raise ResetError(reasons)
    # Cilium's links and rules first: killing it before that can cut the host off (incident I-06). Units before
    # processes, or the unit starts them again; processes before mounts, which they hold; mounts before the files below.
    steps = [
        *_network(found, cilium=True),
        *_unmounts(found, cilium=True),
        *_removals([path for path in paths if is_of_cilium(path)]),
        *_units(found),
        *_removals([path for path in paths if starts_units(path)]),
        *_processes(found),
        *_unmounts(found, cilium=False),
        *_network(found, cilium=False),
        *_removals([path for path in paths if not is_of_cilium(path) and not starts_units(path)]),
        *_empty(found, paths),
        *_forgotten_units(found),
    ]
    return [*_mark(found, steps), *steps]


def reboot_reason(found: Found, actions: Sequence[Action]) -> str:
    """Why the host has to boot before K3s runs on it again; empty when it need not."""
    parts = {_WHY_REBOOT[action.kind]: None for action in actions if action.kind in _WHY_REBOOT}
    if any(action.kind == "delete_link" and is_cilium_link(action.target) for action in actions):
        parts["network interfaces of Cilium"] = None
    if any(action.kind in ("remove", "unmount") and is_of_cilium(action.target) for action in actions):
        parts["files and BPF programs of Cilium"] = None
    if parts:
        return f"{', '.join(parts)} were removed, and the kernel keeps what hangs on them until it boots"
    if found.reboot_due:
        return "an earlier reset removed parts of the container network, and the host has not booted since"
    return ""


def difference(actions: Sequence[Action]) -> dict[str, str]:
    """What is there before and not after, in the order in which it goes."""
    added = ("mark", "restore_rule")
    return {
        "before": "".join(f"{action.target}\n" for action in actions if action.kind not in added),
        "after": "".join(f"{action.target}\n" for action in actions if action.kind in added),
    }


def _paths(wish: Wish, found: Found) -> list[str]:
    return [path for path in found.paths if path != NODE_PASSWORD or wish.forget_node_password]


def _mark(found: Found, steps: Sequence[Action]) -> Iterator[Action]:
    if not found.reboot_due and reboot_reason(found, steps):
        yield Action("mark", REBOOT_MARK, "note that the host has to boot, for a run after an interrupted one")


def _network(found: Found, cilium: bool) -> Iterator[Action]:
    for name in ordered_links(found.links):
        if is_cilium_link(name) == cilium:
            yield Action("delete_link", name, f"delete the network interface {name}")
    if not cilium:
        return
    for rule in cilium_rules(found.rules):
        if rule.priority == LOCAL_PRIORITY and lacks_first_rule(found.rules, rule.family):
            # before its stand-in goes: without either nothing sent to this host arrives
            yield Action(
                "restore_rule",
                f"{_version(rule.family)} rule 0",
                f"put the {_version(rule.family)} rule that looks up local back to priority 0",
                (rule.family,),
            )
        words = " ".join(rule.selector)
        sentence = f"delete the {_version(rule.family)} rule {words}"
        yield Action("delete_rule", f"{_version(rule.family)} {words}", sentence, (rule.family, *rule.selector))
    for family, table in found.routes:
        sentence = f"empty the {_version(family)} routing table {table}"
        yield Action("flush_table", f"{_version(family)} table {table}", sentence, (family, table))
    for program, saved in sorted(found.packet_filters.items()):
        lines = own_lines(saved)
        sentence = (
            f"take {len(lines)} rules and chains of Cilium, K3s and kubelet out of {program.removesuffix('-save')}"
        )
        yield Action("filter_packets", program, sentence)


def _version(family: str) -> str:
    return f"IPv{family.strip('-')}"


def _unmounts(found: Found, cilium: bool) -> Iterator[Action]:
    for mount in unmounting_order(found.mounts):
        if mount.point.startswith("/run/cilium/") == cilium:
            yield Action("unmount", mount.point, f"unmount {mount.point} ({mount.kind} {mount.source})")


def _removals(paths: Sequence[str]) -> Iterator[Action]:
    for path in paths:
        yield Action("remove", path, f"remove {path}")


def _units(found: Found) -> Iterator[Action]:
    for unit in found.units:
        if unit.active not in ("inactive", "failed"):
            yield Action("stop", unit.name, f"stop {unit.name}, which is {unit.active}")


def _processes(found: Found) -> Iterator[Action]:
    if found.processes:
        names = ", ".join(sorted({process.name for process in found.processes})[:5])
        sentence = f"kill {len(found.processes)} processes of K3s' containers ({names})"
        yield Action("kill", "processes of K3s' containers", sentence)


def _empty(found: Found, paths: Sequence[str]) -> Iterator[Action]:
    going = set(paths)
    for folder, entries in sorted(found.containers.items(), key=lambda item: (-item[0].count("/"), item[0])):
        # left where it is a mount point, or lies where nothing may be removed
        if entries <= going and not reasons_to_keep(folder, found.mounts, unmounting_order(found.mounts)):
            going.add(folder)
            yield Action("remove_empty", folder, f"remove {folder}, in which nothing is left")


def _forgotten_units(found: Found) -> Iterator[Action]:
    for unit in found.units:
        if unit.loaded or unit.active == "failed":
            yield Action("forget_unit", unit.name, f"have systemd forget {unit.name}")
