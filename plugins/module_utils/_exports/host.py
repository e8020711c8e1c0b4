# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: read and carry out exports on a host."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .._action import Action
from .._command import CommandRunner
from .._disks.write import replace_file
from .model import Directory, ExportsError, Snapshot, Wanted


@dataclass(frozen=True)
class Paths:
    """Where things are; tests have them elsewhere."""

    exports: Path = Path("/etc/exports")
    folder: Path = Path("/etc/exports.d")
    ours: Path = Path("/etc/exports.d/homelab.exports")
    table: Path = Path("/var/lib/nfs/etab")
    threads: Path = Path("/proc/fs/nfsd/threads")
    mounts: Path = Path("/proc/self/mounts")


def probe(paths: Paths, wanted: Sequence[Wanted], to_come: Sequence[str] = ()) -> Snapshot:
    """The machine as it is. Directories of a pool that is not mounted are not looked at."""
    mounted = frozenset(_unescape(line.split()[1]) for line in _read(paths.mounts).splitlines())
    return Snapshot(
        mounted=mounted | frozenset(to_come),
        directories={
            each.path: _directory(each.path) if each.pool in mounted else Directory("absent") for each in wanted
        },
        content=_read(paths.ours) if paths.ours.exists() else None,
        others=dict(_others(paths)),
        running=_read(paths.threads).strip() not in ("", "0"),
        table=frozenset(parse_table(_read(paths.table))),
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def _directory(path: str) -> Directory:
    if os.path.realpath(path) != path:
        return Directory("other")
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return Directory("absent")
    except NotADirectoryError:
        return Directory("other")
    return Directory("directory" if stat.S_ISDIR(found.st_mode) else "other", found.st_uid, found.st_gid)


def _others(paths: Paths) -> Iterator[tuple[str, str]]:
    """Paths that files of somebody else export, as exports(5) has them."""
    files = sorted(paths.folder.glob("*.exports")) if paths.folder.is_dir() else []
    for file in (paths.exports, *(file for file in files if file != paths.ours)):
        text = re.sub(r"\\\n", " ", _read(file))
        for line in text.splitlines():
            match = re.match(r'\s*(?:"([^"]+)"|([^\s#]+))', line)
            if match:
                yield _unescape(match[1] or match[2]).rstrip("/") or "/", str(file)


def parse_table(text: str) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Lines of etab: path, a tab, client(options)."""
    for line in text.splitlines():
        match = re.match(r"(\S+)\s+([^\s(]+)\(([^)]*)\)$", line)
        if match:
            yield _unescape(match[1]), match[2], frozenset(match[3].split(","))


def apply(
    run: CommandRunner, paths: Paths, actions: Sequence[Action], wanted: Sequence[Wanted], text: str
) -> list[str]:
    """Walk the actions; return what exportfs complained of."""
    exports = {each.path: each for each in wanted}
    complaints: list[str] = []
    for action in actions:
        if action.kind == "directory":
            make_directory(exports[action.target])
        elif action.kind == "write":
            paths.folder.mkdir(mode=0o755, exist_ok=True)
            replace_file(paths.ours, text)
        else:
            status, _output, stderr = run(["exportfs", "-ra"])
            complaints = [line for line in stderr.splitlines() if line.strip()]
            if status != 0:
                said = "; ".join(complaints) or "nothing"
                raise ExportsError(f"exportfs ended with status {status} and said: {said}; correct the file it names")
    return complaints


def make_directory(each: Wanted) -> None:
    """Under another name first, so that a run that is killed leaves no directory of a wrong owner behind."""
    if not os.path.ismount(each.pool):
        raise ExportsError(f"{each.pool} was unmounted meanwhile, expected it mounted; mount it and run again")
    parent = os.path.dirname(each.path)
    os.makedirs(parent, mode=0o755, exist_ok=True)
    for left in Path(parent).glob(f".homelab-{os.path.basename(each.path)}-*"):
        shutil.rmtree(left)
    temporary = tempfile.mkdtemp(dir=parent, prefix=f".homelab-{os.path.basename(each.path)}-")
    os.chown(temporary, each.uid, each.gid)
    os.chmod(temporary, each.mode)
    os.rename(temporary, each.path)
