# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: read and write small files of a host, never half."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import tempfile
from collections.abc import Iterable

from .model import ABSENT, Action, Found, Wanted

# An interrupted write leaves at most a file of this name; the next one removes it.
TEMPORARY = ".homelab-"


def probe(wanted: Iterable[Wanted]) -> dict[str, Found]:
    """What is at each wanted path, and at its parent."""
    found: dict[str, Found] = {}
    for item in wanted:
        found[item.path] = _look(item.path, read=item.kind == "file")
        parent = os.path.dirname(item.path)
        found.setdefault(parent, _look(os.path.realpath(parent), read=False))
    return found


def _look(path: str, read: bool) -> Found:
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    if stat.S_ISLNK(status.st_mode):
        return Found("link", target=os.readlink(path))
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        return Found("other")
    regular = stat.S_ISREG(status.st_mode)
    content = None
    if read and regular:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            content = stream.read()
    return Found(
        "file" if regular else "directory",
        content,
        stat.S_IMODE(status.st_mode),
        _name(lambda: pwd.getpwuid(status.st_uid).pw_name, status.st_uid),
        _name(lambda: grp.getgrgid(status.st_gid).gr_name, status.st_gid),
        mount_point=regular and _is_mounted(path),
    )


def _name(lookup: object, number: int) -> str:
    try:
        return str(lookup())  # type: ignore[operator]
    except KeyError:
        return str(number)


def _is_mounted(path: str) -> bool:
    """A file that is itself a mount (as /etc/hosts in a container) cannot be replaced, only rewritten."""
    with open("/proc/self/mountinfo", encoding="utf-8") as stream:
        return any(line.split(" ")[4] == path for line in stream)


def apply(actions: Iterable[Action], found: dict[str, Found]) -> None:
    """Carry out the steps in order."""
    for action in actions:
        _HANDLERS[action.kind](action.wanted, found.get(action.wanted.path, ABSENT))


def _make_directory(item: Wanted, here: Found) -> None:
    os.makedirs(item.path, exist_ok=True)
    _set_attributes(item, here)


def _write(item: Wanted, here: Found) -> None:
    data = (item.content or "").encode("utf-8", "surrogateescape")
    if here.mount_point:
        with open(item.path, "r+b") as stream:
            stream.write(data)
            stream.truncate()
        _set_attributes(item, here)
        return
    folder = os.path.dirname(item.path)
    prefix = f"{TEMPORARY}{os.path.basename(item.path)}."
    for leftover in os.listdir(folder):
        if leftover.startswith(prefix):
            os.unlink(os.path.join(folder, leftover))
    # mkstemp makes it 0600, so a secret is never readable in between
    handle, temporary = tempfile.mkstemp(prefix=prefix, dir=folder)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    _own(temporary, item)
    os.rename(temporary, item.path)
    folder_handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(folder_handle)
    finally:
        os.close(folder_handle)


def _link(item: Wanted, here: Found) -> None:
    temporary = os.path.join(os.path.dirname(item.path), f"{TEMPORARY}{os.path.basename(item.path)}")
    if os.path.lexists(temporary):
        os.unlink(temporary)
    os.symlink(item.content or "", temporary)
    os.rename(temporary, item.path)


def _set_attributes(item: Wanted, here: Found) -> None:
    _own(item.path, item)


def _own(path: str, item: Wanted) -> None:
    uid = int(item.owner) if item.owner.isdigit() else pwd.getpwnam(item.owner).pw_uid
    gid = int(item.group) if item.group.isdigit() else grp.getgrnam(item.group).gr_gid
    status = os.stat(path)
    if (status.st_uid, status.st_gid) != (uid, gid):
        os.chown(path, uid, gid)
    os.chmod(path, item.mode)


def _remove(item: Wanted, here: Found) -> None:
    if here.kind == "directory":
        # only an empty one: what somebody put there is theirs
        os.rmdir(item.path)
    else:
        os.unlink(item.path)


_HANDLERS = {"make_directory": _make_directory, "write": _write, "link": _link, "set_attributes": _set_attributes, "remove": _remove}
