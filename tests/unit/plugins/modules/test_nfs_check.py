# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nfs_check: what is told of servers, mounts and exports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import nfs_check

TABLE = (
    "192.0.2.1:/mnt/rust/media /data nfs4 rw,hard 0 0\n"
    "192.0.2.1:/mnt/fast/plex /config nfs4 rw,hard 0 0\n"
    "192.0.2.11:/other /other nfs4 rw 0 0\n"
)


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the server, the mounts and the exports answer; nothing runs."""
    table = tmp_path / "mounts"
    table.write_text(TABLE)
    answers: dict[str, Any] = {"ping": "", "/data": "", "/config": "", "/mnt/rust/media": ""}
    monkeypatch.setattr(nfs_check, "MOUNTS", table)
    monkeypatch.setattr(nfs_check, "ping", lambda _server, _limit: answers["ping"])
    monkeypatch.setattr(nfs_check, "check_mount", lambda _run, mount, _limit: answers[mount.target])
    monkeypatch.setattr(nfs_check, "try_export", lambda _run, _server, path, *_: answers[path])
    return answers


def call(capsys: pytest.CaptureFixture[str], **more: Any) -> dict[str, Any]:
    options = {"server": "192.0.2.1", "exports": ["/mnt/rust/media"]}
    with patch_module_args(options | more), pytest.raises(SystemExit):
        nfs_check.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


@pytest.mark.usefixtures("answers")
def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    result = call(capsys)
    assert (result["changed"], result["problems"]) == (False, [])
    assert [(mount["target"], mount["alive"]) for mount in result["mounts"]] == [("/data", True), ("/config", True)]


def test_one_mount_is_dead_and_an_export_denied(answers: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    answers.update({"/config": "no answer within 5 s", "/mnt/rust/media": "access denied"})
    result = call(capsys)
    assert result["failed"]
    assert result["problems"] == [
        "/config (from 192.0.2.1:/mnt/fast/plex): no answer within 5 s, expected a live mount; look at the server",
        "192.0.2.1:/mnt/rust/media could not be mounted with NFS 4.2 (access denied), expected it exported to this "
        "machine; look at exportfs -v on the server",
    ]
    assert call(capsys, fail=False)["problems"] == result["problems"]


def test_a_dead_server_is_asked_for_no_export(answers: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    answers.update({"ping": "Connection refused", "/mnt/rust/media": "never asked"})
    result = call(capsys)
    assert result["problems"] == [
        "192.0.2.1 does not serve NFS (Connection refused), expected an answer on TCP port 2049; "
        "look at nfs-server.service there"
    ]
