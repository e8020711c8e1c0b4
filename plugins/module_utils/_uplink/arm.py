# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: have the guard stand by, then the change begin without us."""

from __future__ import annotations

import inspect
import json
import secrets
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from .._command import CommandRunner, check_output
from . import guard
from .model import File, Found, Plan, Wanted

# Until then the answer of this call has gone out over the connection that the change may cut.
PAUSE = 3
UNIT = f"""# Kept by fletcherlabs.homelab.node_network while a change of the host's network waits for its confirmation.
[Unit]
Description=Undo a change of the network that nobody confirmed before this boot
DefaultDependencies=no
RequiresMountsFor=/var/lib/fletcherlabs-homelab
After=systemd-remount-fs.service
Wants=network-pre.target
Before=network-pre.target systemd-networkd.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
ExecStart={sys.executable} {guard.FOLDER}/guard.py boot

[Install]
WantedBy=sysinit.target
"""


def begin(run: CommandRunner, wanted: Wanted, found: Found, todo: Plan, seconds: int) -> str:
    """The token that confirms the change."""
    token = secrets.token_hex(8)
    guard.FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    program = guard.FOLDER / "guard.py"
    guard.write(str(program), inspect.getsource(guard), 0o700)
    guard.write(str(guard.UNITS / guard.SERVICE), UNIT)
    wants = guard.UNITS / "sysinit.target.wants"
    wants.mkdir(exist_ok=True)
    link = wants / guard.SERVICE
    if not link.is_symlink():
        link.symlink_to(f"../{guard.SERVICE}")
    # from here on a boot restores; nothing has changed yet
    guard.write(str(guard.FOLDER / "pending.json"), json.dumps(change(wanted, found, todo, token)), 0o600)
    try:
        _later(run, guard.TIMER, seconds, program, "restore", token)
        _later(run, guard.SWITCH, PAUSE, program, "switch", token)
    except Exception:
        guard.restore(token)
        raise
    return token


def change(wanted: Wanted, found: Found, todo: Plan, token: str) -> Mapping[str, object]:
    """What the guard has to know, for both directions."""
    first = found.links[wanted.nic.name]
    carrier_now = first.master or wanted.nic.name
    made = [wanted.carrier] if wanted.carrier not in found.links else []
    return {
        "token": token,
        "begun": time.time(),
        "before": {path: _plain(found.files.get(path)) for path in todo.guarded},
        "after": {path: _plain(file) for path, file in todo.guarded.items()},
        "netplan": todo.netplan,
        "made": made,
        "carrier": {"before": carrier_now, "after": wanted.carrier},
        "gateway": {
            "before": found.default[1] if found.default and found.default[0] == carrier_now else "",
            "after": wanted.static.gateway if wanted.static else "",
        },
        "addresses": {
            "before": list(found.links[carrier_now].addresses),
            "after": [wanted.static.address] if wanted.static else [],
        },
    }


def _plain(file: File | None) -> Mapping[str, object] | None:
    return None if file is None else {"content": file.content, "mode": file.mode}


def _later(run: CommandRunner, unit: str, seconds: int, program: Path, *words: str) -> None:
    run(["systemctl", "stop", f"{unit}.timer"])
    check_output(
        run,
        ["systemd-run", "--quiet", "--collect", f"--unit={unit}", f"--on-active={seconds}",
         "--timer-property=AccuracySec=200ms", sys.executable, str(program), *words],
    )  # fmt: skip


def await_earlier(run: CommandRunner, seconds: int) -> None:
    """A change that waits for its confirmation comes to its end first; one that nobody guards any more is undone."""
    end = time.monotonic() + seconds
    while (earlier := guard.pending()) is not None and time.monotonic() < end:
        if not _is_guarded(run):
            guard.restore(earlier["token"])
            return
        time.sleep(0.5)


def _is_guarded(run: CommandRunner) -> bool:
    units = [f"{guard.TIMER}.timer", f"{guard.TIMER}.service"]
    return any(run(["systemctl", "is-active", unit])[1].strip() in ("active", "activating") for unit in units)
