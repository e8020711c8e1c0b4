# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: YAML files with the line of each document, and what is wrong with them as YAML."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

try:
    import yaml

    BASE: Any = yaml.SafeLoader
    # what the module says where the library is not there
    YAML_PROBLEM = ""
except ImportError:
    yaml = None  # type: ignore[assignment]
    BASE = object
    YAML_PROBLEM = traceback.format_exc()

from .model import Document, Finding

# The same loader in C where it is built, ten times as fast; both take the same files.
LOADER: Any = getattr(yaml, "CSafeLoader", BASE)


class PatientLoader(BASE):
    """Takes an anchor that is set twice in a document, as YAML allows and Kubernetes' own parser does."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if not isinstance(event, yaml.AliasEvent):
            self.anchors.pop(event.anchor, None)
        return super().compose_node(parent, index)


TEXT_TAGS = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value", "tag:yaml.org,2002:binary")


def load_all(content: str) -> list[Any]:
    """Plain documents of a text; raises ValueError for what is no YAML."""
    try:
        return list(yaml.load_all(content, Loader=LOADER))
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML ({error})") from error


def dump_all(documents: Iterable[Any]) -> str:
    """A text of documents, keys in their own order; each has its own copy of what it shares."""
    dumper = type("Plain", (yaml.SafeDumper,), {"ignore_aliases": lambda _self, _data: True})
    text: str = yaml.dump_all(documents, Dumper=dumper, sort_keys=False, width=120)
    return text


def read_file(root: Path, name: str) -> tuple[list[Document], list[Finding]]:
    """The documents of one file; a file that is not YAML has none."""
    try:
        content = (root / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return [], [Finding(name, 1, f"it cannot be read ({error})", "yaml")]
    return parse(name, content)


def parse(name: str, content: str) -> tuple[list[Document], list[Finding]]:
    """The documents of a text."""
    try:
        return _read(name, LOADER(content))
    except yaml.composer.ComposerError:
        return _read(name, PatientLoader(content))


def _read(name: str, loader: Any) -> tuple[list[Document], list[Finding]]:
    documents, findings = [], []
    try:
        while loader.check_node():
            node = loader.get_node()
            findings += [
                Finding(name, line, f"the key '{key}' stands twice in one mapping; kustomize refuses that", "yaml")
                for key, line in _repeated(node)
            ]
            value = _construct(loader, node)
            if isinstance(value, dict):
                documents += [Document(name, line + 1, each) for line, each in _items(value, node)]
    except yaml.composer.ComposerError as error:
        if not isinstance(loader, PatientLoader):
            raise
        return [], [_no_yaml(name, error)]
    except yaml.YAMLError as error:
        return [], [_no_yaml(name, error)]
    finally:
        loader.dispose()
    return documents, findings


def _no_yaml(name: str, error: yaml.YAMLError) -> Finding:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else 1
    return Finding(name, line, f"it is no YAML: {getattr(error, 'problem', '') or error}", "yaml")


def _construct(loader: Any, node: Any) -> Any:
    _timestamps_as_text(node)
    return loader.construct_document(node)


def _timestamps_as_text(node: Any) -> None:
    """A date in a manifest is text to Kubernetes, and so it is in a SOPS digest."""
    for each in _nodes(node):
        if isinstance(each, yaml.ScalarNode) and each.tag in TEXT_TAGS:
            each.tag = "tag:yaml.org,2002:str"


def _items(value: dict[str, Any], node: Any) -> list[tuple[int, dict[str, Any]]]:
    """A List holds objects; every other document is one."""
    if value.get("kind") != "List" or not isinstance(value.get("items"), list):
        return [(node.start_mark.line, value)]
    rows = next(child for key, child in node.value if key.value == "items")
    pairs = zip(rows.value, value["items"], strict=True)
    return [(row.start_mark.line, item) for row, item in pairs if isinstance(item, dict)]


def _nodes(node: Any) -> list[Any]:
    found, waiting, seen = [], [node], set()
    while waiting:
        each = waiting.pop()
        # an alias is the node it names once more
        if id(each) in seen:
            continue
        seen.add(id(each))
        found.append(each)
        if isinstance(each, yaml.MappingNode):
            waiting += [part for pair in each.value for part in pair]
        elif isinstance(each, yaml.SequenceNode):
            waiting += each.value
    return found


def _repeated(node: Any) -> list[tuple[str, int]]:
    found = []
    for each in _nodes(node):
        if isinstance(each, yaml.MappingNode):
            seen: set[str] = set()
            for key, _value in each.value:
                if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                    if key.value in seen:
                        found.append((key.value, key.start_mark.line + 1))
                    seen.add(key.value)
    return found
