# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""server_token through its main, against a server made of a dictionary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._token import probe
from ansible_collections.fletcherlabs.homelab.plugins.modules import server_token

NEW, OLD = "the-fresh-server-token", "the-stale-server-token"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A server that lives by state["accepts"]."""
    state = {"accepts": OLD, "root": str(tmp_path)}
    (tmp_path / "server").mkdir()
    (tmp_path / "server/token").write_text(f"K10abc::server:{OLD}\n")
    (tmp_path / "server-token").write_text(f"{OLD}\n")

    def ask(method: str, path: str, password: str, body: bytes | None) -> probe.Answer:
        if not state["accepts"]:
            return probe.Answer(0)
        if password != state["accepts"]:
            return probe.Answer(401, "not authorized")
        if body:
            state["accepts"] = json.loads(body)["newToken"]
        return probe.Answer(200)

    monkeypatch.setattr(probe, "asker", lambda *_: ask)
    return state


def call(capsys: pytest.CaptureFixture[str], host: dict[str, str], **arguments: Any) -> dict[str, Any]:
    root = Path(host["root"])
    places = {"data_dir": str(root), "token_file": str(root / "server-token"), "patience": 0, "host": "s1"}
    with patch_module_args({"token": NEW, **places, **arguments}), pytest.raises(SystemExit):
        server_token.main()
    captured = capsys.readouterr().out
    assert NEW not in captured
    assert OLD not in captured
    return json.loads(captured)


def test_rotates_once(host: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    first = call(capsys, host, old_token=OLD)
    assert (first["changed"], first["accepted"], first["finished"]) == (True, "old", False)
    assert host["accepts"] == NEW
    second = call(capsys, host, old_token=OLD)
    assert (second["changed"], second["accepted"], second["finished"]) == (False, "new", False)
    (Path(host["root"]) / "server-token").write_text(f"{NEW}\n")
    assert call(capsys, host)["finished"]


def test_check_mode_says_so_and_rotates_nothing(host: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    result = call(capsys, host, old_token=OLD, _ansible_check_mode=True)
    assert (result["changed"], [action["kind"] for action in result["actions"]]) == (True, ["rotate"])
    assert host["accepts"] == OLD


def test_a_server_behind_another_one_is_left_alone(host: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    result = call(capsys, host, old_token=OLD, rotated_elsewhere=True)
    assert (result["changed"], result["accepted"], host["accepts"]) == (False, "old", OLD)


def test_without_the_old_token_it_refuses(host: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    result = call(capsys, host)
    assert result["failed"] and "s1 accepts neither the new nor the old server token" in result["msg"]


def test_a_server_that_is_down_is_to_start_with_what_it_recorded(
    host: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    host["accepts"] = ""
    result = call(capsys, host, old_token=OLD)
    assert (result["changed"], result["accepted"], result["recorded"]) == (False, "none", "old")
    assert [action["kind"] for action in result["actions"]] == ["recover"]
