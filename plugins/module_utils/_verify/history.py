# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the reports of earlier runs in a folder, the last few of which are kept."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = re.compile(r"^verify-\d{8}T\d{6}Z\.(json|xml|html)$")
KINDS = ("json", "xml", "html")


def stamp(time: str) -> str:
    """A time in a file's name."""
    return re.sub(r"[-:]", "", time)


def latest(folder: Path) -> dict[str, Any] | None:
    """The newest report that can be read; a broken one counts as none."""
    for path in sorted(_ours(folder, "json"), reverse=True):
        try:
            report = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(report, dict) and isinstance(report.get("rows"), list) and report.get("time"):
                return report
        except (OSError, ValueError):
            continue
    return None


def keep(folder: Path, time: str, texts: Mapping[str, str], most: int) -> dict[str, str]:
    """Write the report's files, each at once or not at all, and remove those of the oldest reports."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for kind, text in texts.items():
        paths[kind] = str(folder / f"verify-{stamp(time)}.{kind}")
        _write(Path(paths[kind]), text)
    for kind in KINDS:
        for path in sorted(_ours(folder, kind), reverse=True)[most:]:
            path.unlink(missing_ok=True)
    return paths


def _ours(folder: Path, kind: str) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if NAME.match(path.name) and path.suffix == f".{kind}"]


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".verify-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def newest_backup(pattern: str) -> float | None:
    """When the newest file of a pattern was written; None without any."""
    place = Path(pattern).expanduser()
    times = [path.stat().st_mtime for path in place.parent.glob(place.name)] if place.parent.is_dir() else []
    return max(times, default=None)
