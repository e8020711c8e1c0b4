# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource URLs: /api/v1/... and /apis/GROUP/VERSION/..., read into their parts."""

from __future__ import annotations

from dataclasses import dataclass

_NAMESPACE_PARTS = ("status", "finalize")


@dataclass(frozen=True)
class Target:
    """What a resource URL points at."""

    group: str
    version: str
    plural: str
    namespace: str | None = None
    name: str | None = None
    subresource: str | None = None


def parse(path: str) -> Target | None:
    """The target of a URL, None when it is not a resource URL."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = None
    # /namespaces/NAME/status is the namespace's own; /namespaces/NAME/pods is a collection inside it.
    if rest[0] == "namespaces" and len(rest) > 2 and not (group == "" and rest[2] in _NAMESPACE_PARTS):
        namespace, rest = rest[1], rest[2:]
    if len(rest) > 3:
        return None
    name, subresource = (*rest[1:], None, None)[:2]
    return Target(group, version, rest[0], namespace, name, subresource)
