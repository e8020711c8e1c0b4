# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal on a real file system: links are not followed, mounts are not entered."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset import tree

BIND = """
import os, sys
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset import tree
os.chdir("/")
top = sys.argv[1]
try:
    tree.remove(top + "/tree")
except tree.LeavesMount as error:
    print(error.filename, error.strerror)
print(os.path.exists(top + "/data/file"))
"""


def test_directory_goes_with_everything_in_it(tmp_path: Path) -> None:
    (tmp_path / "tree/a/b").mkdir(parents=True)
    (tmp_path / "tree/a/b/file").write_text("x")
    os.mkfifo(tmp_path / "tree/pipe")
    tree.remove(str(tmp_path / "tree"))
    assert os.listdir(tmp_path) == []
    tree.remove(str(tmp_path / "tree"))
    tree.remove(str(tmp_path / "no/such/tree"))


def test_links_go_and_what_they_point_to_stays(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").write_text("x")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link").symlink_to(tmp_path / "data")
    (tmp_path / "alone").symlink_to(tmp_path / "data")
    tree.remove(str(tmp_path / "tree"))
    tree.remove(str(tmp_path / "alone"))
    assert [path.name for path in tmp_path.rglob("*")] == ["data", "file"]


def test_path_through_a_link_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "data/inner").mkdir(parents=True)
    (tmp_path / "way").symlink_to(tmp_path / "data")
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        tree.remove(str(tmp_path / "way/inner"))
    assert (tmp_path / "data/inner").exists()


def test_directory_with_something_in_it_is_not_removed_as_empty(tmp_path: Path) -> None:
    (tmp_path / "full/file").parent.mkdir()
    (tmp_path / "full/file").write_text("x")
    with pytest.raises(OSError, match="not empty"):
        tree.remove_if_empty(str(tmp_path / "full"))
    (tmp_path / "full/file").unlink()
    tree.remove_if_empty(str(tmp_path / "full"))
    tree.remove_if_empty(str(tmp_path / "full"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", ["bind", "tmpfs"])
def test_mount_on_the_way_is_not_entered(tmp_path: Path, kind: str) -> None:
    """In a mount namespace of its own; a bind mount has the device number of the file system around it."""
    (tmp_path / "tree/deep/data").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").write_text("x")
    mount = {
        "bind": f"mount --bind {tmp_path}/data {tmp_path}/tree/deep/data",
        "tmpfs": f"mount -t tmpfs none {tmp_path}/tree/deep/data && touch {tmp_path}/tree/deep/data/file",
    }[kind]
    script = f'{mount} && exec "$0" -c "$1" {tmp_path}'
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    run = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script, sys.executable, BIND],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    if "unshare failed" in run.stderr or "permission denied" in run.stderr.lower():
        pytest.skip(f"no mount namespaces for this user: {run.stderr.strip()}")
    assert run.stdout.splitlines() == [
        f"{tmp_path}/tree/deep/data it is a mount of its own, which a reset never enters",
        "True",
    ], run.stderr
