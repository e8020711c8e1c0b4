# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: from wanted and found files to an ordered list of steps."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence

from .model import ABSENT, Action, Attributes, FilesError, Found, Wanted

_LABEL = {
    "absent": "not there",
    "file": "a file",
    "directory": "a directory",
    "link": "a symbolic link",
    "other": "neither file nor directory",
}
_ORDER = ("directory", "file", "link")
_DEFAULT_MODE = {"directory": 0o755, "file": 0o644, "link": 0o777}


def plan(wanted: Sequence[Wanted], found: Mapping[str, Found], faults: Sequence[str] = ()) -> list[Action]:
    """The steps that make found as wanted; raise FilesError with the given faults and every refusal at once."""
    reasons = [*faults, *_refusals(wanted, found)]
    if reasons:
        raise FilesError(reasons)
    # Directories before what lies in them, outermost first; then files as given; links last, so that they never dangle.
    ordered = sorted(wanted, key=lambda item: (_ORDER.index(item.kind), item.path if item.kind == "directory" else ""))
    steps = (_step(item, found.get(item.path, ABSENT)) for item in ordered)
    return [step for step in steps if step is not None]


def _refusals(wanted: Sequence[Wanted], found: Mapping[str, Found]) -> list[str]:
    made = {item.path for item in wanted if item.kind == "directory"}
    reasons = [
        f"{path} is named {count} times; keep one entry"
        for path, count in Counter(item.path for item in wanted).items()
        if count > 1
    ]
    for item in dict.fromkeys(wanted):
        reasons += _refusals_of(item, found, made)
    return list(dict.fromkeys(reasons))


def _refusals_of(item: Wanted, found: Mapping[str, Found], made: set[str]) -> list[str]:
    if item.path != os.path.normpath(item.path) or not item.path.startswith("/") or item.path.startswith("//"):
        return [f"path '{item.path}' is not a plain absolute path; write it from / without . or .. or a / at its end"]
    reasons = []
    here = found.get(item.path, ABSENT)
    if here.kind == "link" != item.kind:
        reasons.append(
            f"{item.path} is a symbolic link to {here.target}, expected {_LABEL[item.kind]}; "
            "remove the link, or name what it points to"
        )
    elif here.kind not in ("absent", item.kind):
        reasons.append(f"{item.path} is {_LABEL[here.kind]}, expected {_LABEL[item.kind]}; move it away")
    if item.present and item.kind == "file" and item.content and not item.content.endswith("\n"):
        reasons.append(f"the content of {item.path} does not end with a newline; add one")
    parent = os.path.dirname(item.path)
    kind = found.get(parent, ABSENT).kind
    if item.present and parent not in made and kind != "directory":
        reasons.append(
            f"{parent}, which should hold {item.path}, is {_LABEL[kind]}, expected a directory; "
            "name it under directories"
        )
    return reasons


def _step(item: Wanted, here: Found) -> Action | None:
    attributes = _attributes(item, here)
    if not item.present:
        return Action("remove", item, here, attributes, f"remove {item.path}") if here.kind != "absent" else None
    if item.kind == "link":
        sentence = f"link {item.path} to {item.content}"
        return Action("link", item, here, attributes, sentence) if here.target != item.content else None
    changes = _changes(attributes, here)
    if here.kind == "absent":
        kind, verb = ("make_directory", "make the directory") if item.kind == "directory" else ("write", "write")
        return Action(kind, item, here, attributes, f"{verb} {item.path} ({attributes})")
    if item.kind == "file" and item.content != here.content:
        sentence = " and set ".join([f"change the content of {item.path}", *changes])
        return Action("write", item, here, attributes, sentence)
    if changes:
        return Action("set_attributes", item, here, attributes, f"set {' and '.join(changes)} of {item.path}")
    return None


def _attributes(item: Wanted, here: Found) -> Attributes:
    """As wanted; where nothing is said, as found, and the default on a new one."""
    default = Found(item.kind, mode=_DEFAULT_MODE[item.kind], owner="root", group="root")
    fallback = default if here.kind == "absent" else here
    mode = fallback.mode if item.mode is None else item.mode
    return Attributes(mode, item.owner or fallback.owner, item.group or fallback.group)


def _changes(attributes: Attributes, here: Found) -> list[str]:
    changes = []
    if here.mode != attributes.mode:
        changes.append(f"mode {attributes.mode:04o} (is {here.mode:04o})")
    if (here.owner, here.group) != (attributes.owner, attributes.group):
        changes.append(f"owner {attributes.owner}:{attributes.group} (is {here.owner}:{here.group})")
    return changes


def difference(actions: Sequence[Action]) -> list[dict[str, str]]:
    """Before and after of each step, for diff mode; the content of secret files is replaced by a remark."""
    return [
        {
            "before_header": action.wanted.path,
            "after_header": action.wanted.path,
            "before": _before(action.wanted, action.found),
            "after": _after(action),
        }
        for action in actions
    ]


def _before(item: Wanted, here: Found) -> str:
    if here.kind == "absent":
        return ""
    if here.kind == "link":
        return f"-> {here.target}\n"
    return _text(item, here.content, Attributes(here.mode, here.owner, here.group))


def _after(action: Action) -> str:
    if action.kind == "remove":
        return ""
    if action.kind == "link":
        return f"-> {action.wanted.content}\n"
    return _text(action.wanted, action.wanted.content, action.attributes)


def _text(item: Wanted, content: str | None, attributes: Attributes) -> str:
    shown = "(content not shown: secret)\n" if item.secret else (content or "")
    return f"{shown}# {attributes}\n"
