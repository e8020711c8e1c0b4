# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: carry out the steps of a reset."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from .._command import CommandError, check_output
from . import tree
from .model import Action, ResetError, Wish
from .mounts import parse_mountinfo
from .network import own_lines, without_own
from .plan import plan
from .probe import Host, probe, read
from .processes import own_processes

# A mount whose server or disk is gone may not answer at all; then the next, harder way is tried.
_UNMOUNT_SECONDS = "60"
_UNMOUNT_WAYS = ((), ("--force",), ("--force", "--lazy"))
_KILL_SECONDS = 20.0
_ROUNDS = 3
Handler = Callable[[Host, Action], None]


def carry_out(host: Host, wish: Wish, actions: Sequence[Action]) -> None:
    """Do the steps, look again, and do what is left: a dying kubelet or Cilium may put back what was taken away."""
    for _round in range(_ROUNDS):
        apply(host, actions)
        actions = plan(wish, probe(host))
        if not actions:
            return
    raise ResetError(
        [f"{action.target} was there again after {_ROUNDS} resets; find out what makes it" for action in actions]
    )


def apply(host: Host, actions: Sequence[Action]) -> None:
    """The steps in order; raise ResetError at the first one that the host refuses."""
    for action in actions:
        try:
            _HANDLERS[action.kind](host, action)
        except CommandError as error:
            raise ResetError([f"could not {action.sentence}: {error}; mend that and run again"]) from error
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            raise ResetError(
                [f"could not {action.sentence}: {error.strerror}{where}; mend that and run again"]
            ) from error


def _mark(host: Host, action: Action) -> None:
    os.makedirs(host.at(os.path.dirname(action.target)), exist_ok=True)
    with open(host.at(action.target), "w", encoding="utf-8") as stream:
        stream.write("a reset removed parts of the container network\n")


def _delete_link(host: Host, action: Action) -> None:
    # the other end of a pair goes with it
    if os.path.lexists(host.at(f"/sys/class/net/{action.target}")):
        check_output(host.run, ["ip", "link", "delete", action.target])


def _restore_rule(host: Host, action: Action) -> None:
    check_output(host.run, ["ip", *action.arguments, "rule", "add", "priority", "0", "lookup", "local"])


def _delete_rule(host: Host, action: Action) -> None:
    family, *selector = action.arguments
    check_output(host.run, ["ip", family, "rule", "delete", *selector])


def _flush_table(host: Host, action: Action) -> None:
    family, table = action.arguments
    check_output(host.run, ["ip", family, "route", "flush", "table", table])


def _filter_packets(host: Host, action: Action) -> None:
    # saved anew: rules of others may have come since the host was looked at
    saved = check_output(host.run, [action.target, "-c"])
    if own_lines(saved):
        check_output(lambda argv: host.feed(argv, without_own(saved)), [_restorer(action.target), "-c"])


def _restorer(saver: str) -> str:
    return f"{saver.removesuffix('-save')}-restore"


def _unmount(host: Host, action: Action) -> None:
    last: CommandError | None = None
    for way in _UNMOUNT_WAYS:
        if not _is_mounted(host, action.target):
            return
        try:
            # not canonicalized: a path is not followed, and a server that is gone is not asked
            argv = ["timeout", "--signal=KILL", _UNMOUNT_SECONDS, "umount", "--no-canonicalize", *way, action.target]
            check_output(host.run, argv)
            return
        except CommandError as error:
            last = error
    if last is not None and _is_mounted(host, action.target):
        raise last


def _is_mounted(host: Host, point: str) -> bool:
    return any(mount.point == point for mount in parse_mountinfo(read(host, "/proc/self/mountinfo")))


def _stop(host: Host, action: Action) -> None:
    check_output(host.run, ["systemctl", "stop", action.target])


def _kill(host: Host, action: Action) -> None:
    deadline = time.monotonic() + _KILL_SECONDS
    # what a dying one started in its last moment is found at the next look
    while processes := own_processes(host.root):
        if time.monotonic() > deadline:
            names = ", ".join(f"{process.name} ({process.number})" for process in processes)
            raise ResetError([f"{names} did not end within {_KILL_SECONDS:.0f} s of SIGKILL; reboot and run again"])
        for process in processes:
            host.kill(process.number)
        time.sleep(0.1)


def _remove(host: Host, action: Action) -> None:
    tree.remove(host.at(action.target))


def _remove_empty(host: Host, action: Action) -> None:
    tree.remove_if_empty(host.at(action.target))


def _forget_unit(host: Host, action: Action) -> None:
    check_output(host.run, ["systemctl", "daemon-reload"])
    # fails for a unit that systemd has forgotten by now
    host.run(["systemctl", "reset-failed", action.target])


_HANDLERS: dict[str, Handler] = {
    "mark": _mark,
    "delete_link": _delete_link,
    "restore_rule": _restore_rule,
    "delete_rule": _delete_rule,
    "flush_table": _flush_table,
    "filter_packets": _filter_packets,
    "unmount": _unmount,
    "stop": _stop,
    "kill": _kill,
    "remove": _remove,
    "remove_empty": _remove_empty,
    "forget_unit": _forget_unit,
}
