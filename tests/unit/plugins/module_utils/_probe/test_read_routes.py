# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules, routes and addresses of the machine that runs the tests, and the judgement about rules."""

from __future__ import annotations

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.read_routes import (
    addresses,
    has_local_rule,
    routes,
    rules,
)


def rule(table: str, everything: bool = True, priority: int = 0) -> dict[str, object]:
    return {"table": table, "all": everything, "priority": priority}


def test_this_machine_finds_its_own_addresses() -> None:
    found = rules()
    assert has_local_rule(found)
    assert {"main", "local"} <= {entry["table"] for entry in found}


def test_addresses_hold_the_loopback() -> None:
    assert {"address": "127.0.0.1", "length": 8, "device": "lo"} in addresses()


def test_routes_name_their_device() -> None:
    assert all(entry["device"] for entry in routes() if entry["gateway"])


def test_cilium_moves_the_rule_and_networkd_drops_it() -> None:
    assert has_local_rule([rule("2004", everything=False, priority=9), rule("local", priority=100), rule("main")])
    assert not has_local_rule([rule("main", priority=32766), rule("default", priority=32767)])
    assert not has_local_rule([rule("local", everything=False), rule("main")])
