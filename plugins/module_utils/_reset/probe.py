# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: look at a host; change nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from .._command import CommandRunner, check_output
from . import paths
from .model import DATA, REBOOT_MARK, Found, Rule, Unit
from .mounts import parse_fstab, parse_mountinfo
from .network import TABLES, is_own_link, own_lines, rules_from
from .processes import own_processes, send_kill

_FAMILIES = ("-4", "-6")
_SAVERS = ("iptables-save", "ip6tables-save")
# K3s brings these along for hosts that have none
_BUNDLED = f"{DATA}/data/current/bin/aux"
_LEGACY = "tables-legacy tables present"


@dataclass(frozen=True)
class Host:
    """The machine whose file system begins at root; root and kill differ from a real one's only in tests."""

    run: CommandRunner
    # the same with a text for the command's standard input
    feed: Callable[[Sequence[str], str], tuple[int, str, str]]
    root: str = ""
    kill: Callable[[int], None] = field(default=send_kill)

    def at(self, path: str) -> str:
        """Where a path of the machine is."""
        return f"{self.root}{path}"


def probe(host: Host) -> Found:
    """Everything a reset decides on."""
    rules, routes = _routing(host)
    return Found(
        mounts=parse_mountinfo(read(host, "/proc/self/mountinfo")),
        fstab=parse_fstab(read(host, "/etc/fstab")),
        symlinks={path: os.readlink(host.at(path)) for path in paths.NO_LINKS if os.path.islink(host.at(path))},
        links=tuple(name for name in _entries(host, "/sys/class/net") if _is_ours(host, name)),
        rules=rules,
        routes=routes,
        packet_filters=dict(_packet_filters(host)),
        units=tuple(_units(host)),
        processes=own_processes(host.root),
        paths=frozenset(_present(host)),
        containers={
            path: frozenset(f"{path}/{name}" for name in _entries(host, path))
            for path in paths.CONTAINERS
            if _is_folder(host, path)
        },
        datastore=tuple(path for path in paths.DATASTORE if os.path.lexists(host.at(path))),
        reboot_due=os.path.lexists(host.at(REBOOT_MARK)),
    )


def kept(host: Host) -> list[str]:
    """Directories with data of volumes, which a reset leaves."""
    return [path for path in paths.KEPT if _entries(host, path)]


def read(host: Host, path: str) -> str:
    """A file's text; empty when there is none."""
    try:
        with open(host.at(path), encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def _entries(host: Host, folder: str) -> list[str]:
    """Names in a directory that is reached without a link; none when there is no such directory."""
    return sorted(os.listdir(host.at(folder))) if _is_folder(host, folder) else []


def _is_folder(host: Host, folder: str) -> bool:
    parts = folder.strip("/").split("/")
    above = ["/" + "/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return all(os.path.isdir(host.at(each)) and not os.path.islink(host.at(each)) for each in above)


def _present(host: Host) -> Iterator[str]:
    """Paths to remove that are there."""
    for pattern in (*paths.CILIUM_PATTERNS, *paths.K3S_PATTERNS):
        for path in _expanded(host, pattern):
            if path in paths.TOOLS:
                if os.path.islink(host.at(path)) and os.readlink(host.at(path)) in paths.TOOL_TARGETS:
                    yield path
            elif paths.may_be_removed(path):
                yield path


def _expanded(host: Host, pattern: str) -> list[str]:
    found = [""]
    for part in pattern.strip("/").split("/"):
        found = [
            f"{folder}/{name}"
            for folder in found
            for name in (_entries(host, folder or "/") if "*" in part else [part])
            if paths.pattern_of(f"/{name}", [f"/{part}"]) is not None
        ]
    return [path for path in found if os.path.lexists(host.at(path)) and _is_folder(host, os.path.dirname(path))]


def _is_ours(host: Host, name: str) -> bool:
    """A link that K3s or Cilium made, or a port of K3s' bridge."""
    master = host.at(f"/sys/class/net/{name}/master")
    return is_own_link(name) or (os.path.islink(master) and os.path.basename(os.readlink(master)) == "cni0")


def _routing(host: Host) -> tuple[tuple[Rule, ...], tuple[tuple[str, str], ...]]:
    rules: list[Rule] = []
    routes: list[tuple[str, str]] = []
    for family in _FAMILIES:
        status, output, _stderr = host.run(["ip", family, "-json", "rule", "show"])
        # a kernel without IPv6 has no rules to show
        if status == 0:
            rules += rules_from(output, family)
        elif family == "-4":
            check_output(host.run, ["ip", family, "-json", "rule", "show"])
        for table in TABLES:
            # fails while there is no such table
            status, output, _stderr = host.run(["ip", family, "route", "show", "table", table])
            if status == 0 and output.strip():
                routes.append((family, table))
    return tuple(rules), tuple(routes)


def _packet_filters(host: Host) -> Iterator[tuple[str, str]]:
    for name in _SAVERS:
        for program, (status, output, stderr) in _saved(host, name):
            if status == 0 and own_lines(output):
                yield program, output
            if _LEGACY in output + stderr:
                legacy = name.replace("tables-", "tables-legacy-")
                for each, (again, text, _stderr) in _saved(host, legacy):
                    if again == 0 and own_lines(text):
                        yield each, text


def _saved(host: Host, name: str) -> Iterator[tuple[str, tuple[int, str, str]]]:
    """The output of the first of these programs that is there, counters included."""
    for program in (name, f"{_BUNDLED}/{name}"):
        try:
            yield program, host.run([program, "-c"])
            return
        except OSError:
            continue


def _units(host: Host) -> Iterator[Unit]:
    for name in paths.UNITS:
        argv = ["systemctl", "show", "--property", "LoadState,ActiveState,FragmentPath", name]
        pairs = (line.partition("=") for line in check_output(host.run, argv).splitlines())
        state = {key: value for key, _equals, value in pairs}
        loaded = state.get("LoadState") == "loaded" and state.get("FragmentPath", "").startswith(paths.SYSTEMD)
        unit = Unit(name, loaded, state.get("ActiveState", "inactive"))
        if loaded or unit.active != "inactive":
            yield unit
