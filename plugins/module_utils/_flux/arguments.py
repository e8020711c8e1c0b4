# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: options of the modules for Flux's repository, and the typed value that they become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .git import Access

REPOSITORY: dict[str, dict[str, Any]] = {
    "url": {"type": "str", "required": True},
    "branch": {"type": "str", "default": "main"},
    "path": {"type": "str", "default": "clusters/k3s-home"},
    # files: their names are no secret
    "deploy_key": {"type": "path", "no_log": False},
    "known_hosts": {"type": "list", "elements": "str", "default": []},
    "username": {"type": "str", "default": "git"},
    "token": {"type": "path", "no_log": False},
    "ca": {"type": "path"},
}


def access_of(wanted: Mapping[str, Any]) -> Access:
    """Where the repository is, and what opens it."""
    hosts = tuple(line.strip() for line in wanted["known_hosts"] if line.strip())
    files = [wanted[name] or "" for name in ("token", "ca")]
    return Access(wanted["url"], wanted["deploy_key"] or "", hosts, wanted["username"], *files)
