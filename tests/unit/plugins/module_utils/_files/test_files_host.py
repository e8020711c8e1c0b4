# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing real files in a folder of the test's own, also when interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files import host
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.model import Attributes, FilesError, Wanted
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.plan import plan

ME = Attributes(0o644, host.user_name(str(os.getuid())), host.group_name(str(os.getgid())))


def wanted(path: Path, content: str = "new\n", kind: str = "file", mode: int = 0o644, present: bool = True) -> Wanted:
    return Wanted(str(path), kind, present, content if kind != "directory" else None, mode, ME.owner, ME.group)


def carry_out(*items: Wanted) -> list[str]:
    actions = plan(items, host.probe(items))
    host.apply(actions)
    return [action.kind for action in actions]


def test_probe_sees_each_kind(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a\r\n\xff\n")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    found = host.probe([wanted(tmp_path / name) for name in ("file", "link", "pipe", "none", "file/below")])
    assert found[str(tmp_path)].kind == "directory"
    file = found[str(tmp_path / "file")]
    assert (file.kind, file.content, file.mode, file.owner) == ("file", "a\r\n\udcff\n", 0o640, ME.owner)
    assert found[str(tmp_path / "link")].target == "file"
    assert found[str(tmp_path / "pipe")].kind == "other"
    assert found[str(tmp_path / "none")].kind == "absent"
    assert found[str(tmp_path / "file/below")].kind == "absent"


def test_apply_makes_everything_and_then_has_nothing_left(tmp_path: Path) -> None:
    items = [
        wanted(tmp_path / "d", kind="directory", mode=0o750),
        wanted(tmp_path / "d/a.conf", mode=0o600),
        wanted(tmp_path / "l", "d/a.conf", kind="link"),
    ]
    assert carry_out(*items) == ["make_directory", "write", "link"]
    assert (tmp_path / "d").stat().st_mode & 0o7777 == 0o750
    assert (tmp_path / "d/a.conf").stat().st_mode & 0o7777 == 0o600
    assert (tmp_path / "l").read_text() == "new\n"
    assert carry_out(*items) == []


def test_apply_replaces_attributes_links_and_removes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("new\n")
    (tmp_path / "a").chmod(0o666)
    (tmp_path / "b").write_text("old\n")
    (tmp_path / "l").symlink_to("old")
    items = [wanted(tmp_path / "a"), wanted(tmp_path / "b", present=False), wanted(tmp_path / "l", "a", kind="link")]
    assert carry_out(*items) == ["set_attributes", "remove", "link"]
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o644
    assert not (tmp_path / "b").exists()
    assert os.readlink(tmp_path / "l") == "a"


def test_a_parent_reached_through_a_link_is_a_directory(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    assert carry_out(wanted(tmp_path / "alias/a")) == ["write"]
    assert (tmp_path / "real/a").read_text() == "new\n"


def test_write_removes_what_an_interrupted_write_left(tmp_path: Path) -> None:
    (tmp_path / ".homelab-a.conf.abcd1234").write_text("half")
    (tmp_path / ".homelab-b.conf.abcd1234").write_text("somebody else's")
    carry_out(wanted(tmp_path / "a.conf"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".homelab-b.conf.abcd1234", "a.conf"]


def test_a_refused_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.conf").write_text("old\n")
    items = [wanted(tmp_path / "a.conf")]
    actions = plan(items, host.probe(items))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FilesError, match=r"could not change the content of .*a.conf: No space left on device"):
        host.apply(actions)
    assert (tmp_path / "a.conf").read_text() == "old\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.conf"]


def test_a_mounted_file_is_rewritten_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hosts"
    path.write_text("127.0.0.1 localhost and more\n")
    monkeypatch.setattr(host, "_is_mounted", lambda name: name == str(path))
    inode = path.stat().st_ino
    assert carry_out(wanted(path, "127.0.0.1 localhost\n")) == ["write"]
    assert path.read_text() == "127.0.0.1 localhost\n"
    assert path.stat().st_ino == inode


def test_mounts_are_told_from_files(tmp_path: Path) -> None:
    assert host._is_mounted("/proc")
    assert not host._is_mounted(str(tmp_path))


def test_owners_by_name_and_number() -> None:
    assert host.user_name("0") == host.user_name("root") == "root"
    assert host.group_name("0") == host.group_name("root") == "root"
    assert host.user_name("3999999999") == host.group_name("3999999999") == "3999999999"
    with pytest.raises(KeyError):
        host.user_name("nobody-of-this-name")


WRITER = """
import itertools, sys
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.host import write_file
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.model import Attributes
print("ready", flush=True)
for number in itertools.count():
    write_file(sys.argv[1], f"{number % 10}" * 200_000 + "\\n", Attributes(0o644, sys.argv[2], sys.argv[3]))
"""


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    for delay in (0.01, 0.023, 0.04, 0.07):
        argv = [sys.executable, "-c", WRITER, str(path), ME.owner, ME.group]
        writer = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        with writer.stdout as output:
            assert output.readline() == "ready\n"
            while not path.exists():
                time.sleep(0.001)
            time.sleep(delay)
            writer.send_signal(signal.SIGKILL)
        assert writer.wait() == -signal.SIGKILL
        content = path.read_text()
        assert len(content) == 200_001
        assert len(set(content[:-1])) == 1
    carry_out(wanted(path))
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.conf"]
