# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as Ansible calls it, on files in a folder of the test's own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files import host
from ansible_collections.fletcherlabs.homelab.plugins.modules import host_files

# numbers, as an owner without a name would be given
ME = {"owner": str(os.getuid()), "group": str(os.getgid())}


class Caller:
    """Calls the module and gives back what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, check: bool = False, **arguments: Any) -> dict[str, Any]:
        with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            host_files.main()
        result: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return result


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Caller:
    return Caller(capsys)


def file(path: Path, content: str = "a = 1\n", **more: Any) -> dict[str, Any]:
    return {"path": str(path), "content": content, **ME, **more}


def test_check_real_again_again_in_check(tmp_path: Path, call: Caller) -> None:
    arguments = {
        "directories": [{"path": str(tmp_path / "d"), "mode": "0750", **ME}],
        "files": [file(tmp_path / "d/a.conf", mode="0600")],
        "links": [{"path": str(tmp_path / "l"), "target": "d/a.conf"}],
    }
    told = call(check=True, **arguments)
    assert list(tmp_path.iterdir()) == []
    done = call(**arguments)
    again, again_told = call(**arguments), call(check=True, **arguments)
    assert told["changed"] and done["changed"] and not again["changed"] and not again_told["changed"]
    assert told["actions"] == done["actions"] and told["diff"] == done["diff"]
    assert [action["kind"] for action in done["actions"]] == ["make_directory", "write", "link"]
    assert done["changed_paths"] == [str(tmp_path / name) for name in ("d", "d/a.conf", "l")]
    assert again["actions"] == again["changed_paths"] == again["diff"] == []
    assert (tmp_path / "l").read_text() == "a = 1\n"


def test_everything_wrong_is_told_at_once_and_nothing_is_written(tmp_path: Path, call: Caller) -> None:
    (tmp_path / "real").write_text("mine\n")
    (tmp_path / "link").symlink_to("real")
    result = call(
        files=[
            file(tmp_path / "good"),
            file(tmp_path / "link"),
            file(tmp_path / "half", content="no newline"),
            file(tmp_path / "mode", mode="rw"),
            file(tmp_path / "mode", mode="77777"),
            file(tmp_path / "owner", owner="nobody-of-this-name"),
        ]
    )
    assert result["failed"]
    assert result["reasons"] == [
        f"mode 'rw' of {tmp_path}/mode is unknown, expected an octal number such as \"0644\"",
        f"mode '77777' of {tmp_path}/mode is unknown, expected an octal number such as \"0644\"",
        f"owner 'nobody-of-this-name' of {tmp_path}/owner is unknown, expected a user of this host",
        f"{tmp_path}/mode is named 2 times; keep one entry",
        f"{tmp_path}/link is a symbolic link to real, expected a file; remove the link, or name what it points to",
        f"the content of {tmp_path}/half does not end with a newline; add one",
    ]
    assert result["msg"] == "; ".join(result["reasons"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]
    assert (tmp_path / "real").read_text() == "mine\n"


def test_content_is_asked_for_unless_the_file_should_go(tmp_path: Path, call: Caller) -> None:
    (tmp_path / "a").write_text("old\n")
    assert "state is present but all of the following are missing: content" in call(files=[{"path": "/a"}])["msg"]
    result = call(files=[{"path": str(tmp_path / "a"), "state": "absent"}])
    assert [action["kind"] for action in result["actions"]] == ["remove"]
    assert not (tmp_path / "a").exists()


def test_an_existing_directory_keeps_what_is_not_said(tmp_path: Path, call: Caller) -> None:
    (tmp_path / "d").mkdir(mode=0o700)
    assert not call(directories=[{"path": str(tmp_path / "d")}])["changed"]
    assert (tmp_path / "d").stat().st_mode & 0o7777 == 0o700


def test_a_secret_is_written_and_not_shown(tmp_path: Path, call: Caller) -> None:
    result = call(files=[file(tmp_path / "token", content="opensesame\n", mode="0600", secret=True)])
    assert (tmp_path / "token").read_text() == "opensesame\n"
    # what Ansible itself repeats of the arguments is kept back by no_log on the task
    del result["invocation"]
    assert "opensesame" not in json.dumps(result)
    assert "content not shown" in result["diff"][0]["after"]


def test_pending_until_the_stamp_is_written(tmp_path: Path, call: Caller) -> None:
    path, stamp = tmp_path / "a.conf", tmp_path / "stamp"
    arguments = {"files": [file(path)], "stamp": str(stamp)}
    first, interrupted = call(**arguments), call(**arguments)
    assert first["pending_paths"] == interrupted["pending_paths"] == [str(path)]
    assert not interrupted["changed"]
    call(files=[file(stamp, content=interrupted["stamp_content"])])
    assert call(**arguments)["pending_paths"] == []


def test_repairing_an_altered_file_is_pending_even_if_interrupted(tmp_path: Path, call: Caller) -> None:
    path, stamp = tmp_path / "a.conf", tmp_path / "stamp"
    arguments = {"files": [file(path)], "stamp": str(stamp)}
    call(files=[file(stamp, content=call(**arguments)["stamp_content"])])
    path.write_text("altered = by hand\n")
    assert call(check=True, **arguments)["pending_paths"] == [str(path)]
    assert stamp.read_text() != ""
    assert call(**arguments)["pending_paths"] == [str(path)]
    assert stamp.read_text() == ""
    # the run that would have restarted the service was killed here
    after = call(**arguments)
    assert not after["changed"]
    assert after["pending_paths"] == [str(path)]


def test_another_writer_is_named(tmp_path: Path, call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def undone(actions: object) -> None:
        (tmp_path / "a").write_text("somebody else's\n")

    monkeypatch.setattr(host, "apply", undone)
    result = call(files=[file(tmp_path / "a")])
    assert result["failed"]
    assert result["reasons"] == [f"{tmp_path}/a was written and differs again; find out what else writes it"]


def test_a_path_that_cannot_be_read_is_named(call: Caller) -> None:
    assert call(files=[file(Path("/proc/self/mem"))])["reasons"] == [
        "/proc/self/mem cannot be read: Input/output error",
    ]
