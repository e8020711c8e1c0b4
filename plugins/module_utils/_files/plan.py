# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: from wanted and found files to an ordered list of steps."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from .model import ABSENT, Action, FilesError, Found, Wanted

_LABEL = {"file": "a file", "directory": "a directory", "link": "a symbolic link", "other": "neither file nor directory"}


def plan(wanted: Sequence[Wanted], found: Mapping[str, Found]) -> list[Action]:
    """Directories first, outermost first, then files in the given order, then links; raise FilesError with every reason at once."""
    reasons = _refusals(wanted, found)
    if reasons:
        raise FilesError(reasons)
    directories = sorted((item for item in wanted if item.kind == "directory"), key=lambda item: item.path)
    files = [item for item in wanted if item.kind == "file"]
    steps = (_step(item, found.get(item.path, ABSENT)) for item in [*directories, *files])
    links = (_link(item, found.get(item.path, ABSENT)) for item in wanted if item.kind == "link")
    return [step for step in [*steps, *links] if step is not None]


def _refusals(wanted: Sequence[Wanted], found: Mapping[str, Found]) -> list[str]:
    reasons: list[str] = []
    made = {item.path for item in wanted if item.kind == "directory"}
    seen: set[str] = set()
    for item in wanted:
        here = found.get(item.path, ABSENT)
        parent = os.path.dirname(item.path)
        if item.path != os.path.normpath(item.path) or not item.path.startswith("/"):
            reasons.append(f"path '{item.path}' is not a plain absolute path; write it from / without . or ..")
        if item.path in seen:
            reasons.append(f"{item.path} is named twice; keep one entry")
        seen.add(item.path)
        if here.kind == "link" != item.kind:
            reasons.append(f"{item.path} is a symbolic link to {here.target}, expected {_LABEL[item.kind]}; remove the link")
        elif here.kind not in ("absent", item.kind):
            reasons.append(f"{item.path} is {_LABEL[here.kind]}, expected {_LABEL[item.kind]}; move it away")
        if item.kind == "file" and item.content and not item.content.endswith("\n"):
            reasons.append(f"the content of {item.path} does not end with a newline; add one")
        if item.present and parent not in made and found.get(parent, ABSENT).kind != "directory":
            reasons.append(f"the directory {parent} of {item.path} does not exist; name it under directories")
    return reasons


def _step(item: Wanted, here: Found) -> Action | None:
    if not item.present:
        return Action("remove", item, f"remove {item.path}") if here.kind != "absent" else None
    attributes = _attributes(item, here)
    if here.kind == "absent":
        kind, verb = ("make_directory", "make the directory") if item.kind == "directory" else ("write", "write")
        return Action(kind, item, f"{verb} {item.path} ({item.mode:04o} {item.owner}:{item.group})")
    if item.kind == "file" and item.content != here.content:
        return Action("write", item, f"change the content of {item.path}")
    if attributes:
        return Action("set_attributes", item, f"set {' and '.join(attributes)} of {item.path}")
    return None


def _link(item: Wanted, here: Found) -> Action | None:
    if here.target == item.content:
        return None
    return Action("link", item, f"link {item.path} to {item.content}")


def _attributes(item: Wanted, here: Found) -> list[str]:
    changes = []
    if here.mode != item.mode:
        changes.append(f"mode {item.mode:04o} (is {here.mode:04o})")
    if (here.owner, here.group) != (item.owner, item.group):
        changes.append(f"owner {item.owner}:{item.group} (is {here.owner}:{here.group})")
    return changes


def difference(actions: Sequence[Action], found: Mapping[str, Found]) -> list[dict[str, str]]:
    """Before and after of each step, for diff mode; the content of secret files is replaced by a remark."""
    return [_before_after(action.wanted, found.get(action.wanted.path, ABSENT)) for action in actions]


def _before_after(item: Wanted, here: Found) -> dict[str, str]:
    if item.kind == "link":
        before, after = (f"-> {here.target}\n" if here.target else ""), f"-> {item.content}\n"
        return {"before_header": item.path, "after_header": item.path, "before": before, "after": after}
    before = "" if here.kind == "absent" else _text(item, here.content, here.mode, here.owner, here.group)
    after = _text(item, item.content, item.mode, item.owner, item.group) if item.present else ""
    return {"before_header": item.path, "after_header": item.path, "before": before, "after": after}


def _text(item: Wanted, content: str | None, mode: int, owner: str, group: str) -> str:
    same = "(content not shown: secret)\n" if item.secret else (content or "")
    return f"{same}# {mode:04o} {owner}:{group}\n"
