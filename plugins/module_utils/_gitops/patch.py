# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what patches make of a Flux Kustomization, as far as this check looks at it.

Repositories give decryption and variables to all their Kustomizations with one patch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .model import Document, mapping, text
from .read import parse


def patched(document: Document, patches: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The content after all merge patches that are meant for it; JSON patches change nothing that is looked at."""
    content = document.content
    for row in patches:
        for patch in [mapping(row["content"])] if "content" in row else _parsed(text(row.get("patch"))):
            if _is_meant(document, mapping(row.get("target")) or _own_target(patch)):
                content = merged(content, {"spec": mapping(patch.get("spec"))})
    return content


def _parsed(patch: str) -> list[Mapping[str, Any]]:
    """What is no YAML is left to kustomize build, which says so."""
    return [document.content for document in parse("", patch)[0]]


def _own_target(patch: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"kind": patch.get("kind"), "name": re.escape(text(mapping(patch.get("metadata")).get("name")))}


def _is_meant(document: Document, target: Mapping[str, Any]) -> bool:
    kind, name, selector = (text(target.get(key)) for key in ("kind", "name", "labelSelector"))
    if (kind and kind != document.kind) or (name and not re.fullmatch(name, document.name)):
        return False
    return all(_matches(part.strip(), mapping(document.metadata.get("labels"))) for part in selector.split(",") if part)


def _matches(part: str, labels: Mapping[str, Any]) -> bool:
    """The forms of Kubernetes' label selectors that stand in one term: a=b, a!=b, a, !a, a in (b), a notin (b)."""
    found = re.fullmatch(r"(\S+)\s+(in|notin)\s+\(([^)]*)\)", part)
    if found:
        key, how, values = found.groups()
        return (text(labels.get(key)) in values.split(",")) == (how == "in")
    if "!=" in part:
        key, _sign, value = part.partition("!=")
        return text(labels.get(key.strip())) != value.strip()
    if "=" in part:
        key, _sign, value = part.replace("==", "=").partition("=")
        return text(labels.get(key.strip())) == value.strip()
    return part[1:] not in labels if part.startswith("!") else part in labels


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7396: mappings are merged, null removes, everything else replaces."""
    result = dict(old)
    for key, value in new.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(mapping(result.get(key)), value)
        else:
            result[key] = value
    return result
