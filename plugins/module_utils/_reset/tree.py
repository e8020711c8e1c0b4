# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: remove a path without following a link and without leaving its mount."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class LeavesMount(OSError):
    """A directory on the way is another mount than the one where the removal began."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EXDEV, "it is a mount of its own, which a reset never enters", path)


def remove(path: str) -> None:
    """Remove a file, link or whole directory; a path that is not there is done."""
    folder, name = os.path.split(path)
    with _opened(folder) as parent:
        if parent is not None:
            _remove(parent, name, _mount_of(parent), path)


def remove_if_empty(path: str) -> None:
    """Remove a directory in which nothing is left; one that is not there is done."""
    folder, name = os.path.split(path)
    with _opened(folder) as parent:
        if parent is not None and _look(parent, name) is not None:
            os.rmdir(name, dir_fd=parent)


@contextmanager
def _opened(folder: str) -> Iterator[int | None]:
    """A directory, reached without following any link; None when it is not there."""
    handle = os.open("/", _DIRECTORY)
    try:
        for part in folder.strip("/").split("/"):
            inner = os.open(part, _DIRECTORY, dir_fd=handle)
            os.close(handle)
            handle = inner
        yield handle
    except FileNotFoundError:
        yield None
    finally:
        os.close(handle)


def _remove(parent: int, name: str, mount: str, path: str) -> None:
    status = _look(parent, name)
    if status is None:
        return
    if not stat.S_ISDIR(status.st_mode):
        _unlink(parent, name)
        return
    handle = os.open(name, _DIRECTORY, dir_fd=parent)
    try:
        # the mount's number tells also bind mounts of the same file system apart, which the device number does not
        if os.fstat(handle).st_dev != os.fstat(parent).st_dev or _mount_of(handle) != mount:
            raise LeavesMount(path)
        for entry in sorted(os.listdir(handle)):
            _remove(handle, entry, mount, f"{path}/{entry}")
    finally:
        os.close(handle)
    os.rmdir(name, dir_fd=parent)


def _unlink(parent: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return


def _look(parent: int, name: str) -> os.stat_result | None:
    try:
        return os.lstat(name) if parent < 0 else os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _mount_of(handle: int) -> str:
    """The number of the mount that an open directory lies on, as proc_pid_mountinfo(5) has it."""
    with open(f"/proc/self/fdinfo/{handle}", encoding="ascii") as stream:
        return next(line.split()[1] for line in stream if line.startswith("mnt_id:"))
