# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what has to be done to a systemd unit so that it runs what was written."""

from __future__ import annotations

from dataclasses import dataclass

# States in which systemd runs the unit or is about to; a failed one is just started.
RUNNING = ("active", "activating", "reloading", "deactivating")


@dataclass(frozen=True)
class Unit:
    """A unit as systemd sees it (systemctl show)."""

    name: str
    load_state: str  # loaded, not-found, masked, ...
    active_state: str  # active, activating, inactive, failed, ...
    unit_file_state: str  # enabled, disabled, ...
    needs_reload: bool
    invocation: str = ""  # another one after each start


@dataclass(frozen=True)
class Action:
    """One systemctl call; kind is its verb."""

    kind: str
    sentence: str

    def as_dict(self) -> dict[str, str]:
        """What the user sees of this step."""
        return {"kind": self.kind, "sentence": self.sentence}


def plan(unit: Unit, outdated: bool) -> list[Action]:
    """Reload before enabling, enable before starting; a running unit restarts only when its inputs are newer."""
    actions = []
    if unit.needs_reload or unit.load_state != "loaded" or outdated:
        actions.append(Action("daemon-reload", "have systemd read the unit files again"))
    if unit.unit_file_state != "enabled":
        actions.append(Action("enable", f"enable {unit.name}"))
    if unit.active_state not in RUNNING:
        actions.append(Action("start", f"start {unit.name}"))
    elif outdated:
        actions.append(Action("restart", f"restart {unit.name}: it runs with older files than those on the disk"))
    # systemd notices by itself when a unit file changed; on its own that is no change of the machine
    return actions if any(action.kind != "daemon-reload" for action in actions) or unit.needs_reload else []


def parse_show(name: str, text: str) -> Unit:
    """Read systemctl show's answer."""
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return Unit(
        name,
        values.get("LoadState", "not-found"),
        values.get("ActiveState", "inactive"),
        values.get("UnitFileState", ""),
        values.get("NeedDaemonReload") == "yes",
        values.get("InvocationID", ""),
    )
