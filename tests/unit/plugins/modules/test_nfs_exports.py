# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nfs_exports on a folder that stands for a machine, with an exportfs that does as told."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._exports import host
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._exports.host import Paths
from ansible_collections.fletcherlabs.homelab.plugins.modules import nfs_exports


class Machine:
    """A pool below a folder, and exportfs."""

    def __init__(self, folder: Path) -> None:
        self.pool = folder / "rust"
        self.pool.mkdir()
        self.paths = Paths(*(folder / name for name in ("exports", "exports.d", "exports.d/homelab.exports")), *(
            folder / name for name in ("etab", "threads", "mounts")))  # fmt: skip
        self.paths.mounts.write_text(f"/dev/md127 {self.pool} xfs rw 0 0\n")
        self.paths.threads.write_text("32\n")
        self.calls: list[Sequence[str]] = []
        self.answer = (0, "", "")

    def __call__(self, argv: Sequence[str]) -> tuple[int, str, str]:
        self.calls.append(argv)
        if self.answer[0] == 0:
            lines = [line.split() for line in self.paths.ours.read_text().splitlines() if not line.startswith("#")]
            entries = [
                f"{path}\t{client}({options.removeprefix('-')},wdelay,sec=sys)\n"
                for path, options, *clients in lines
                for client in clients
            ]
            self.paths.table.write_text("".join(entries))
        return self.answer


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setattr(nfs_exports, "PATHS", machine.paths)
    monkeypatch.setattr(nfs_exports, "run_program", machine)
    monkeypatch.setattr(host.os.path, "ismount", lambda path: path == str(machine.pool))
    return machine


def call(capsys: pytest.CaptureFixture[str], machine: Machine, *names: str, **more: Any) -> dict[str, Any]:
    me = {"owner": os.getuid(), "group": os.getgid()}
    options = {
        "pools": [str(machine.pool)],
        "exports": [{"path": f"{machine.pool}/{name}", **me} for name in names],
        "clients": ["192.0.2.21"],
    }
    with patch_module_args(options | more), pytest.raises(SystemExit):
        nfs_exports.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_a_build_a_second_run_and_a_rehearsal(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    rehearsal = call(capsys, machine, "media", "apps/plex", _ansible_check_mode=True)
    assert list(machine.pool.iterdir()) == []
    done = call(capsys, machine, "media", "apps/plex")
    assert (done["actions"], done["diff"]) == (rehearsal["actions"], rehearsal["diff"])
    assert [action["kind"] for action in done["actions"]] == ["directory", "directory", "write", "export"]
    assert sorted(path.name for path in machine.pool.rglob("*")) == ["apps", "media", "plex"]
    assert (machine.pool / "media").stat().st_mode & 0o777 == 0o755
    assert machine.calls == [["exportfs", "-ra"]]
    assert not call(capsys, machine, "media", "apps/plex")["changed"]
    fewer = call(capsys, machine, "media")
    assert [action["kind"] for action in fewer["actions"]] == ["write", "export"]
    assert (machine.pool / "apps/plex").is_dir()


def test_what_a_killed_run_left_is_finished(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    (machine.pool / ".homelab-media-x1").mkdir()
    call(capsys, machine, "media")
    assert [path.name for path in machine.pool.iterdir()] == ["media"]
    machine.paths.table.write_text("")
    assert [action["kind"] for action in call(capsys, machine, "media")["actions"]] == ["export"]


def test_a_pool_that_is_not_mounted_gets_no_directory_and_no_export(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.paths.mounts.write_text("")
    result = call(capsys, machine, "media")
    assert f"nothing was touched, since the pool {machine.pool} of {machine.pool}/media is not mounted" in result["msg"]
    assert list(machine.pool.iterdir()) == []
    assert not machine.paths.ours.exists()
    # a rehearsal may know that the pool will be there; a real run goes by what is
    to_come = {"pools_to_come": [str(machine.pool)]}
    assert call(capsys, machine, "media", _ansible_check_mode=True, **to_come)["changed"]
    assert "is not mounted" in call(capsys, machine, "media", **to_come)["msg"]


def test_a_pool_that_goes_away_in_between(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host.os.path, "ismount", lambda _path: False)
    assert f"{machine.pool} was unmounted meanwhile" in call(capsys, machine, "media")["msg"]
    assert list(machine.pool.iterdir()) == []


def test_exports_of_others(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.paths.folder.mkdir()
    machine.paths.exports.write_text(
        f'# {machine.pool}/media *(rw)\n/srv/iso *(ro)\n"/srv/my files" \\\n  {machine.pool}/media(rw)\n'
    )
    assert call(capsys, machine, "media")["others"] == ["/srv/iso", "/srv/my files"]
    (machine.paths.folder / "old.exports").write_text(f"{machine.pool}/media/ *(rw,no_root_squash)\n")
    assert f"old.exports exports {machine.pool}/media too" in call(capsys, machine, "media")["msg"]


def test_a_directory_that_is_no_directory(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    (machine.pool / "media").symlink_to("/")
    assert "media is no plain directory" in call(capsys, machine, "media")["msg"]


def test_exportfs_that_fails_or_does_nothing(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.answer = (1, "", "exportfs: /etc/exports:3: syntax error: bad option list\n")
    assert "exportfs ended with status 1 and said: exportfs: /etc/exports:3" in call(capsys, machine, "media")["msg"]
    machine.answer = (0, "", "")
    machine.paths.table.touch()
    call(capsys, machine, "media")
    machine.answer = (7, "", "")
    machine.paths.table.write_text("")
    assert "exportfs ended with status 7 and said: nothing" in call(capsys, machine, "media")["msg"]


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"clients": []}, "an export without any is open to everybody"),
        ({"exports": [{"path": "/srv/x"}]}, "/srv/x lies in no pool"),
        ({"exports": [{"path": "/srv/x", "mode": "rwx"}]}, "'rwx' is no file mode"),
    ],
)
def test_what_cannot_be_meant(
    machine: Machine, capsys: pytest.CaptureFixture[str], more: dict[str, Any], part: str
) -> None:
    assert part in call(capsys, machine, "media", **more)["msg"]
