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

from .model import ABSENT, Action, Attributes, FilesError, Found, Wanted

# An interrupted write leaves at most a file of this name; the next write of the same path removes it.
TEMPORARY = ".homelab-"


def user_name(owner: str) -> str:
    """The user's name for a name or number, the number where there is no name; KeyError for an unknown name."""
    return _user(int(owner)) if owner.isdigit() else pwd.getpwnam(owner).pw_name


def group_name(group: str) -> str:
    """The group's name for a name or number, the number where there is no name; KeyError for an unknown name."""
    return _group(int(group)) if group.isdigit() else grp.getgrnam(group).gr_name


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def probe(wanted: Iterable[Wanted]) -> dict[str, Found]:
    """What is at each wanted path, and at its parent."""
    found: dict[str, Found] = {}
    for item in wanted:
        try:
            found[item.path] = _look(item.path, read=item.kind == "file")
            parent = os.path.dirname(item.path)
            # a parent may be reached through links, as /etc/mtab.d or a data directory on another disk
            found.setdefault(parent, _look(os.path.realpath(parent), read=False))
        except OSError as error:
            raise FilesError([f"{item.path} cannot be read: {error.strerror}"]) from error
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
    return Found(
        "file" if regular else "directory",
        _read(path) if read and regular else None,
        stat.S_IMODE(status.st_mode),
        _user(status.st_uid),
        _group(status.st_gid),
        mount_point=regular and _is_mounted(path),
    )


def _read(path: str) -> str:
    # newline="": a file with Windows line ends is not what was wanted
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        return stream.read()


def _is_mounted(path: str) -> bool:
    """A file that is itself a mount (as /etc/hosts in a container) cannot be replaced, only rewritten."""
    with open("/proc/self/mountinfo", encoding="utf-8") as stream:
        return any(line.split(" ")[4] == path for line in stream)


def apply(actions: Iterable[Action]) -> None:
    """Carry out the steps in order; raise FilesError for the first one the machine refuses."""
    for action in actions:
        try:
            _HANDLERS[action.kind](action)
        except OSError as error:
            raise FilesError([f"could not {action.sentence}: {error.strerror}"]) from error


def write_file(path: str, content: str, attributes: Attributes) -> None:
    """Replace a file as a whole: whenever this is interrupted, the old or the new one is there."""
    folder = os.path.dirname(path)
    prefix = f"{TEMPORARY}{os.path.basename(path)}."
    for leftover in os.listdir(folder):
        if leftover.startswith(prefix):
            os.unlink(os.path.join(folder, leftover))
    # mkstemp makes it 0600, so a secret is never readable in between
    handle, temporary = tempfile.mkstemp(prefix=prefix, dir=folder)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(_encoded(content))
            _own(temporary, attributes)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
    _sync(folder)


def _encoded(content: str) -> bytes:
    return content.encode("utf-8", "surrogateescape")


def _sync(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _own(path: str, attributes: Attributes) -> None:
    owner, group = attributes.owner, attributes.group
    uid = int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid
    gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    status = os.stat(path)
    if (status.st_uid, status.st_gid) != (uid, gid):
        os.chown(path, uid, gid)
    os.chmod(path, attributes.mode)


def _make_directory(action: Action) -> None:
    os.mkdir(action.wanted.path)
    _own(action.wanted.path, action.attributes)


def _write(action: Action) -> None:
    path, content = action.wanted.path, action.wanted.content or ""
    if not action.found.mount_point:
        write_file(path, content, action.attributes)
        return
    with open(path, "r+b") as stream:
        stream.write(_encoded(content))
        stream.truncate()
    _own(path, action.attributes)


def _link(action: Action) -> None:
    folder, name = os.path.split(action.wanted.path)
    temporary = os.path.join(folder, f"{TEMPORARY}{name}")
    if os.path.lexists(temporary):
        os.unlink(temporary)
    os.symlink(action.wanted.content or "", temporary)
    os.rename(temporary, action.wanted.path)


def _set_attributes(action: Action) -> None:
    _own(action.wanted.path, action.attributes)


def _remove(action: Action) -> None:
    os.unlink(action.wanted.path)


_HANDLERS = {
    "make_directory": _make_directory,
    "write": _write,
    "link": _link,
    "set_attributes": _set_attributes,
    "remove": _remove,
}
