# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the processes of K3s' containers, which outlive K3s itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

from .model import DATA, Process

# The group of all pods, in both of the kubelet's ways to name it; at the start, as a test cluster in containers has one
# of its own further down.
_PODS = ("/kubepods", "/kubepods.slice")


def own_processes(root: str) -> tuple[Process, ...]:
    """Programs below K3s' data directory, everything they started, and everything in a pod's control group."""
    seen = {number: found for number in _numbers(root) if (found := _look(f"{root}/proc/{number}")) is not None}
    ours = {number for number, (_parent, program, groups) in seen.items() if _is_k3s(program) or _in_pod(groups)}
    while more := {number for number, (parent, _program, _groups) in seen.items() if parent in ours} - ours:
        ours |= more
    # it may be a container's shell that asks; it would end before its work is done
    ours -= _line_of(os.getpid(), seen)
    return tuple(Process(number, os.path.basename(seen[number][1])) for number in sorted(ours))


def send_kill(number: int) -> None:
    """End a process that cannot refuse; one that has ended is done."""
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        return


def _numbers(root: str) -> list[int]:
    return [int(name) for name in os.listdir(f"{root}/proc") if name.isdigit()]


def _look(folder: str) -> tuple[int, str, str] | None:
    """Parent, program and control groups; None for one that has ended meanwhile, or is only waited for."""
    try:
        with open(f"{folder}/stat", encoding="utf-8", errors="replace") as stream:
            state, parent = stream.read().rpartition(")")[2].split()[:2]
        with open(f"{folder}/cmdline", encoding="utf-8", errors="replace") as stream:
            program = stream.read().split("\0", 1)[0]
        with open(f"{folder}/cgroup", encoding="utf-8", errors="replace") as stream:
            groups = stream.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else (int(parent), program, groups)


def _is_k3s(program: str) -> bool:
    folder, name = os.path.split(program)
    return folder.startswith(f"{DATA}/data/") and folder.endswith("/bin") and name.startswith("containerd")


def _in_pod(groups: str) -> bool:
    places = (line.split(":", 2)[-1] for line in groups.splitlines())
    return any(place == name or place.startswith(f"{name}/") for place in places for name in _PODS)


def _line_of(number: int, seen: Mapping[int, tuple[int, str, str]]) -> set[int]:
    line: set[int] = set()
    while number in seen and number not in line:
        line.add(number)
        number = seen[number][0]
    return line
