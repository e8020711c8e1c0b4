# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: a Helm release as its Secret in the cluster tells it, without the program helm; pure."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Release:
    """One revision."""

    secret: str
    revision: int
    status: str
    chart: str
    values: Mapping[str, Any] = field(default_factory=dict)


def releases_from(secrets: Iterable[Mapping[str, Any]]) -> list[Release]:
    """All revisions, the newest last; raise ValueError for a Secret that holds no release."""
    found = [_release(secret) for secret in secrets]
    return sorted(found, key=lambda release: release.revision)


def _release(secret: Mapping[str, Any]) -> Release:
    name = secret["metadata"]["name"]
    try:
        # Helm encodes once, and the API once more
        document = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
        return Release(
            name,
            int(document["version"]),
            str(document["info"]["status"]),
            str(document["chart"]["metadata"]["version"]),
            document.get("config") or {},
        )
    except (KeyError, TypeError, ValueError, OSError, EOFError) as error:
        raise ValueError(f"the Secret {name} holds no release of Helm ({error}); remove it, or mend it") from error
