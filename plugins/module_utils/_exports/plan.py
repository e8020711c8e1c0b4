# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which directories to make, and what to export to whom; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from .._action import Action
from .model import Directory, Plan, Snapshot, Wanted

HEAD = "# Kept by fletcherlabs.homelab.nfs_server. Exports of your own belong into another file of this folder.\n"


def content(wanted: Sequence[Wanted], clients: Sequence[str]) -> str:
    """The whole file, one export in a line."""
    lines = [f"{each.path} -{','.join(each.options)} {' '.join(sorted(clients))}\n" for each in _sorted(wanted)]
    return HEAD + "".join(lines)


def _sorted(wanted: Sequence[Wanted]) -> list[Wanted]:
    return sorted(wanted, key=lambda each: each.path)


def plan(wanted: Sequence[Wanted], clients: Sequence[str], found: Snapshot, file: str) -> Plan:
    """One problem anywhere, and nothing is done at all."""
    problems = tuple(sentence for each in _sorted(wanted) for sentence in _problems(each, found))
    warnings = tuple(sentence for each in _sorted(wanted) for sentence in _warnings(each, found))
    if problems:
        return Plan(problems=problems, warnings=warnings)
    actions = [
        Action("directory", each.path, f"make {each.path} for {each.uid}:{each.gid}")
        for each in _sorted(wanted)
        if found.directories[each.path].kind == "absent"
    ]
    text = content(wanted, clients)
    if found.content != text:
        actions.append(Action("write", file, f"write {len(wanted)} exports to {len(clients)} clients into {file}"))
    if found.running and (found.content != text or not _in_force(wanted, clients, found)):
        actions.append(Action("export", file, "export what the files say (exportfs -ra)"))
    return Plan(tuple(actions), (), warnings)


def _problems(each: Wanted, found: Snapshot) -> Iterator[str]:
    if each.pool not in found.mounted:
        yield (
            f"the pool {each.pool} of {each.path} is not mounted, expected it mounted, for an empty directory would be "
            "made and exported in its place; mount it"
        )
    elif found.directories[each.path].kind == "other":
        yield f"{each.path} is no plain directory, expected one or nothing; move it away, or correct the export's path"
    if each.path in found.others:
        yield (
            f"{found.others[each.path]} exports {each.path} too, expected only the inventory to decide who may mount it"
            "; remove it there (exportfs -v shows its clients)"
        )


def _warnings(each: Wanted, found: Snapshot) -> Iterator[str]:
    here = found.directories.get(each.path, Directory("absent"))
    if here.kind == "directory" and each.squash == "all" and (here.uid, here.gid) != (each.uid, each.gid):
        yield (
            f"{each.path} was there and belongs to {here.uid}:{here.gid}, while its clients act as "
            f"{each.uid}:{each.gid} and may fail to write; if all of it is theirs: "
            f"chown {each.uid}:{each.gid} {each.path}"
        )


def _in_force(wanted: Sequence[Wanted], clients: Sequence[str], found: Snapshot) -> bool:
    """Whether the server has what the file says, and nothing of a pool that no file says."""
    here = {(path, client): options for path, client, options in found.table}
    for each in wanted:
        for client in clients:
            if not set(each.options) <= here.get((each.path, client), frozenset()):
                return False
    known = {(each.path, client) for each in wanted for client in clients}
    left = [path for path, client in here if (path, client) not in known and path not in found.others]
    pools = {each.pool for each in wanted}
    return not any(PurePosixPath(path).is_relative_to(pool) for path in left for pool in pools)


def difference(
    wanted: Sequence[Wanted], clients: Sequence[str], found: Snapshot, actions: Sequence[Action]
) -> dict[str, str]:
    """The file, and the directories that come, before and after, for diff mode."""
    before, after = "", ""
    if any(action.kind == "write" for action in actions):
        before, after = found.content or "", content(wanted, clients)
    made = "".join(f"{action.sentence}\n" for action in actions if action.kind == "directory")
    return {"before": before, "after": made + after}
