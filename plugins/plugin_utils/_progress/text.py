# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what a result says, as a headline, lines, and the rest for who wants to know more."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# The same words as lists of lines, when a command ran, and what the callback says in its own way.
_SAID = {"msg", "censored", "changed", "failed", "unreachable", "ansible_loop_var", "assertion", "evaluated_to"}
_SAID |= {"stdout_lines", "stderr_lines", "start", "end", "delta"}
_SAID |= {"invocation", "diff", "exception", "warnings", "deprecations"}
_SAID_ALWAYS = {"msg", "censored"}
_INDENT = "    "


@dataclass(frozen=True)
class Told:
    """A result in words."""

    headline: str
    lines: list[str] = field(default_factory=list)
    rest: dict[str, Any] = field(default_factory=dict)

    def simple(self) -> list[str]:
        """What of the rest reads best as it is: YAML would fold and quote it."""
        return [line for key, value in self.rest.items() for line in _simple(key, value) or ()]

    def other(self) -> dict[str, Any]:
        """What of the rest is data."""
        return {key: value for key, value in self.rest.items() if _simple(key, value) is None}

    @property
    def first(self) -> str:
        """One line that says what it is about."""
        if self.lines:
            line = self.lines[0].strip()
            of_list = self.headline.endswith(":") or line.startswith("- ")
            start = f"{self.headline.rstrip(':')}: {line.removeprefix('- ')}" if of_list else self.headline
            return start if of_list and len(self.lines) == 1 else f"{start} ..."
        complaint = str(self.rest.get("stderr") or "").strip().splitlines()
        if self.headline == "non-zero return code" and complaint:
            return f"{self.headline}: {complaint[-1]}"
        return self.headline


def failure(result: Mapping[str, Any], everything: bool = False) -> Told:
    """The sentences of a failed result first, several of them as a list; then all else that it holds."""
    said = _SAID_ALWAYS if everything else _SAID
    rest = {key: value for key, value in result.items() if key not in said and (everything or not _empty(value))}
    rest = {key: value for key, value in rest.items() if not key.startswith("_ansible")}
    headline, lines = _sentences(result.get("msg", result.get("censored")), result)
    if not everything:
        whole = "\n".join([headline, *lines])
        rest = {key: value for key, value in rest.items() if not _is_said(value, whole)}
    return Told(headline or "no message", [_INDENT + line for line in lines], rest)


def _sentences(message: Any, result: Mapping[str, Any]) -> tuple[str, list[str]]:
    if isinstance(message, list):
        return "several errors:", [f"- {line}" for line in message]
    text = str(message or "").strip()
    if result.get("unreachable"):
        text = text.removeprefix("Task failed: ")
    for several in (value for value in result.values() if _is_list_of_texts(value) and len(value) > 1):
        before, joined, after = text.partition("; ".join(several))
        if joined:
            start = f"{before.rstrip(' :')}:" if before.strip() else "several errors:"
            return start, [f"- {line}" for line in several] + ([after.strip()] if after.strip() else [])
    first, *more = text.splitlines() or [""]
    return first, more


def _simple(key: str, value: Any) -> list[str] | None:
    if key == "cmd" and _is_list_of_texts(value):
        value = shlex.join(value)
    if isinstance(value, (str, int, float)) and "\n" not in str(value).strip():
        return [f"{_INDENT}{key}: {str(value).strip()}"]
    if _is_list_of_texts(value) and not any("\n" in item for item in value):
        return [f"{_INDENT}{key}:", *(f"{_INDENT}- {item}" for item in value)]
    return None


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _is_said(value: Any, whole: str) -> bool:
    return _is_list_of_texts(value) and all(item.strip() in whole for item in value)


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def plain(message: Any) -> list[str] | None:
    """A message as lines; None for data that wants another form."""
    if isinstance(message, list) and all(isinstance(item, (str, int, float)) for item in message):
        return [line for item in message for line in str(item).splitlines() or [""]]
    if isinstance(message, (str, int, float)):
        return str(message).splitlines() or [""]
    return None


def labelled(label: str, lines: Sequence[str]) -> str:
    """Who says it, and what: on one line, or the lines below, so that a table stays one."""
    if len(lines) == 1:
        only = lines[0]
        # many messages begin with the host's name already
        return only if re.match(rf"{re.escape(label)}\b", only) else f"{label}: {only}"
    return "\n".join([f"{label}:", *(f"  {line}".rstrip() for line in lines)])


def actions(result: Mapping[str, Any]) -> list[str]:
    """What one of our modules did, or would do, in its own sentences."""
    found = result.get("actions")
    if not isinstance(found, list):
        return []
    return [f"  - {action['sentence']}" for action in found if isinstance(action, dict) and action.get("sentence")]
