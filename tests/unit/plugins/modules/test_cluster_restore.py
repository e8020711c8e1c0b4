# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cluster_restore through its main; the restore itself has its own tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.manifest import BackupError
from ansible_collections.fletcherlabs.homelab.plugins.modules import cluster_restore


class Double:
    """A restore that notes what is asked of it."""

    problem: Exception | None = None
    state = Path()

    def __init__(self, run: Any, sha256: str) -> None:
        self.asked: list[str] = []

    def plan(self) -> list[str]:
        return ["stop K3s", "restore the datastore of the backup"]

    def apply(self, packed: Path) -> None:
        if self.problem:
            raise self.problem

    def noted(self) -> bool:
        return True

    def forget(self) -> None:
        type(self).forgotten = True

    forgotten = False


@pytest.fixture
def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Double]:
    fresh = type("Fresh", (Double,), {"state": tmp_path})
    monkeypatch.setattr(cluster_restore, "Restore", fresh)
    return fresh


def call(capsys: pytest.CaptureFixture[str], **more: Any) -> dict[str, Any]:
    with patch_module_args({"archive": "/x", "sha256": "d"} | more), pytest.raises(SystemExit):
        cluster_restore.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_check_mode_names_the_same_steps(double: type[Double], capsys: Any) -> None:
    double.problem = AssertionError("nothing may be done")
    planned = call(capsys, _ansible_check_mode=True)
    double.problem = None
    done = call(capsys)
    assert planned["actions"] == done["actions"] and done["changed"] and planned["changed"]


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (BackupError("K3s was not stopped"), "K3s was not stopped"),
        (OSError(28, "No space left on device", "/var/x"), "the restore stopped at /var/x: No space left on device"),
    ],
)
def test_a_problem_is_one_sentence(double: type[Double], capsys: Any, problem: Exception, sentence: str) -> None:
    double.problem = problem
    assert sentence in call(capsys)["msg"]


def test_verified_forgets_the_note_and_check_mode_does_not(double: type[Double], capsys: Any) -> None:
    assert call(capsys, state="verified", _ansible_check_mode=True)["changed"] and not double.forgotten
    assert call(capsys, state="verified")["changed"] and double.forgotten
