# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to a unit for every state it can be found in."""

from __future__ import annotations

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._unit.plan import Unit, parse_show, plan


def unit(load: str = "loaded", active: str = "active", enabled: str = "enabled", reload: bool = False) -> Unit:
    return Unit("k3s.service", load, active, enabled, reload)


@pytest.mark.parametrize(
    ("found", "outdated", "kinds"),
    [
        (unit(), False, []),
        (unit(), True, ["daemon-reload", "restart"]),
        (unit(active="inactive"), False, ["start"]),
        (unit(active="inactive"), True, ["daemon-reload", "start"]),
        # systemd is already trying, with what is on the disk or with older files
        (unit(active="activating"), False, []),
        (unit(active="activating"), True, ["daemon-reload", "restart"]),
        (unit(active="failed"), True, ["daemon-reload", "start"]),
        (unit(active="failed"), False, ["start"]),
        (unit(enabled="disabled"), False, ["enable"]),
        (unit(load="not-found", active="inactive", enabled=""), True, ["daemon-reload", "enable", "start"]),
        (unit(reload=True), False, ["daemon-reload"]),
    ],
)
def test_plan(found: Unit, outdated: bool, kinds: list[str]) -> None:
    assert [action.kind for action in plan(found, outdated)] == kinds


def test_parse_show_reads_systemctl() -> None:
    text = "LoadState=loaded\nActiveState=activating\nUnitFileState=enabled\nNeedDaemonReload=yes\n"
    assert parse_show("k3s.service", text) == unit(active="activating", reload=True)
    assert parse_show("k3s.service", f"{text}InvocationID=a1\n").invocation == "a1"


def test_parse_show_of_nothing_is_a_missing_unit() -> None:
    assert parse_show("k3s.service", "").load_state == "not-found"
