# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""unit_active through its main, against an exact script of calls and answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import unit_active

SHOW = "systemctl show --property LoadState,ActiveState,UnitFileState,NeedDaemonReload,InvocationID k3s.service"


def state(active: str, load: str = "loaded", enabled: str = "enabled", run: str = "a1") -> tuple[int, str, str]:
    text = f"LoadState={load}\nActiveState={active}\nUnitFileState={enabled}\nNeedDaemonReload=no\nInvocationID={run}\n"
    return 0, text, ""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, str, str]]]:
    """Calls to expect, in order; an unexpected one fails the test."""
    steps: list[tuple[str, tuple[int, str, str]]] = []

    def run_command(module: Any, argv: list[str]) -> tuple[int, str, str]:
        expected, answer = steps.pop(0)
        assert " ".join(argv) == expected
        return answer

    monkeypatch.setattr(AnsibleModule, "run_command", run_command)
    monkeypatch.setattr(unit_active, "POLL_SECONDS", 0.0)
    return steps


def call(capsys: pytest.CaptureFixture[str], check: bool = False, **options: Any) -> dict[str, Any]:
    arguments = {"name": "k3s.service", "_ansible_check_mode": check} | options
    with patch_module_args(arguments), pytest.raises(SystemExit):
        unit_active.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_active_unit_is_left_alone(script: Any, capsys: pytest.CaptureFixture[str]) -> None:
    script += [(SHOW, state("active")), (SHOW, state("active"))]
    assert not call(capsys)["changed"]
    assert script == []


def test_outdated_unit_is_restarted_without_blocking_and_waited_for(
    script: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    script += [
        (SHOW, state("active")),
        ("systemctl daemon-reload", (0, "", "")),
        ("systemctl --no-block restart k3s.service", (0, "", "")),
        # systemd has not begun with the restart yet: the old process is not what is waited for
        (SHOW, state("active")),
        (SHOW, state("activating", run="b2")),
        (SHOW, state("active", run="b2")),
    ]
    result = call(capsys, outdated=True)
    assert result["changed"] and result["before"] == "active"
    assert script == []


def test_check_mode_plans_for_a_unit_that_is_not_there_yet(script: Any, capsys: pytest.CaptureFixture[str]) -> None:
    script += [(SHOW, state("inactive", "not-found", ""))]
    result = call(capsys, check=True, outdated=True)
    assert [action["kind"] for action in result["actions"]] == ["daemon-reload", "enable", "start"]
    assert script == []


def test_time_limit_ends_with_what_the_unit_last_complained_of(script: Any, capsys: pytest.CaptureFixture[str]) -> None:
    journal = 'level=error msg="token CA hash does not match"\nStopped K3s.\n'
    script += [
        (SHOW, state("inactive")),
        ("systemctl --no-block start k3s.service", (0, "", "")),
        (SHOW, state("activating")),
        ("journalctl _SYSTEMD_UNIT=k3s.service --lines 40 --output cat --no-pager", (0, journal, "")),
    ]
    result = call(capsys, timeout=-1)
    assert result["msg"] == (
        "k3s.service is activating after -1 s, expected active; "
        'its last line was: level=error msg="token CA hash does not match"'
    )


def test_failing_command_carries_its_evidence(script: Any, capsys: pytest.CaptureFixture[str]) -> None:
    script += [(SHOW, state("inactive")), ("systemctl --no-block start k3s.service", (1, "", "Unit is masked.\n"))]
    result = call(capsys)
    assert result["msg"] == "'systemctl --no-block start k3s.service' ended with status 1: Unit is masked."
    assert result["rc"] == 1
