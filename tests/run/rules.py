# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of contributing.md that no tool checks: each is a function from a file's text to a list of complaints."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

TASK_FILE_LINES = 80
MODULE_LINES = 300
FUNCTION_LINES = 40
DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}

# Where packages come from is the configuration of the machine that installs them.
PACKAGE_SOURCES = re.compile(r"--(?:extra-)?index-url\b|--find-links\b|^deb(?:-src)? ", re.MULTILINE)


def size_problems(text: str) -> list[str]:
    """Python modules stay readable: a length without their documentation, and a length of each function."""
    tree = ast.parse(text)
    documentation = sum(_lines(node) for node in tree.body if _is_documentation(node))
    length = len(text.splitlines()) - documentation
    problems = [f"{length} lines, {MODULE_LINES} are allowed"] if length >= MODULE_LINES else []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _body_lines(node) >= FUNCTION_LINES:
            problems.append(f"{node.name} has {_body_lines(node)} lines, {FUNCTION_LINES} are allowed")
    return problems


def _is_documentation(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(target, ast.Name) and target.id in DOCUMENTATION for target in targets)


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    docstring = node.body[0] if ast.get_docstring(node) is not None else None
    return _lines(node) - (_lines(docstring) if docstring else 0)


def names_used(text: str) -> set[str]:
    """Every name and attribute that Python code uses; words in strings and comments do not count."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found.add(node.name.rpartition(".")[2])
    return found


def collection_variables(text: str) -> list[str]:
    """Collection-wide values that a role's task or template reads past its own defaults."""
    return sorted(set(re.findall(r"\bhomelab_\w+", text)))


def group_names(text: str) -> list[str]:
    """Places where a role looks at the inventory's groups."""
    return sorted(set(re.findall(r"\b(?:groups\s*[\[.]|group_names\b)", text)))


def restarts(tasks: list[dict[str, Any]]) -> Iterator[str]:
    """Names of tasks that restart or reload a service, which is a handler's work."""
    for task in tasks:
        for key, value in task.items():
            if key in ("block", "rescue", "always"):
                yield from restarts(value)
            elif isinstance(value, dict) and value.get("state") in ("restarted", "reloaded"):
                yield str(task.get("name"))


def spec_problems(defaults: dict[str, Any], entry_points: dict[str, Any]) -> list[str]:
    """Differences between a role's defaults and its argument specification, which Ansible itself never compares."""
    problems = []
    options: dict[str, list[dict[str, Any]]] = {}
    for point in entry_points.values():
        for name, spec in (point.get("options") or {}).items():
            options.setdefault(name, []).append(spec)
    for name in sorted(set(defaults) - set(options)):
        problems.append(f"{name} has a default and is not in argument_specs")
    for name, specs in sorted(options.items()):
        problems += _option_problems(name, specs, defaults)
    return problems


def _option_problems(name: str, specs: list[dict[str, Any]], defaults: dict[str, Any]) -> Iterator[str]:
    for spec in specs:
        if name not in defaults:
            if not spec.get("required"):
                yield f"{name} is optional in argument_specs and has no default"
        elif spec.get("required"):
            yield f"{name} is required in argument_specs and has a default"
        elif not _same_default(defaults[name], spec):
            yield f"{name} is {defaults[name]!r} in defaults and {spec.get('default')!r} in argument_specs"


def _same_default(default: Any, spec: dict[str, Any]) -> bool:
    # What is derived from other variables has no value that a specification could state.
    if "default" not in spec and "{{" in yaml.safe_dump(default):
        return True
    return bool(spec.get("default") == default)


def local_names(text: str, folders: Sequence[Path]) -> list[str]:
    """Paths and package sources that exist where the code was written, and need not where it runs."""
    paths = [str(folder) for folder in folders if re.search(rf"(?<![\w./-]){re.escape(str(folder))}/", text)]
    return sorted({*paths, *(match.strip() for match in PACKAGE_SOURCES.findall(text))})
