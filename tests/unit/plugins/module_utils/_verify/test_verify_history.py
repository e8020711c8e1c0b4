# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports in a folder: the newest is found, the oldest go, nothing else is touched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.history import keep, latest, newest_backup
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.model import age, moment, some


def save(folder: Path, day: int, most: int = 30) -> dict[str, str]:
    time = f"2025-06-{day:02}T06:00:00Z"
    report = json.dumps({"time": time, "rows": []})
    return keep(folder, time, {"json": report, "xml": "<x/>", "html": "<p>"}, most)


def test_a_folder_that_is_not_there_has_no_report(tmp_path: Path) -> None:
    assert latest(tmp_path / "no") is None


def test_the_last_few_are_kept_and_nothing_else_goes(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "verify-notes.json").write_text("mine")
    for day in range(1, 6):
        files = save(folder, day, most=2)
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        *(f"verify-2025060{day}T060000Z.{kind}" for day in (4, 5) for kind in ("html", "json", "xml")),
        "verify-notes.json",
    ]
    assert files["html"] == str(folder / "verify-20250605T060000Z.html")


def test_a_broken_report_counts_as_none(tmp_path: Path) -> None:
    save(tmp_path, 1)
    files = save(tmp_path, 2)
    Path(files["json"]).write_text("{")
    (tmp_path / "verify-20250603T060000Z.json").write_text('["rows"]')
    assert (latest(tmp_path) or {})["time"] == "2025-06-01T06:00:00Z"


def test_the_newest_backup(tmp_path: Path) -> None:
    pattern = str(tmp_path / "home-*.tar.age")
    assert newest_backup(pattern) is None
    assert newest_backup(str(tmp_path / "no" / "x-*")) is None
    for name, time in (("home-1.tar.age", 100), ("home-2.tar.age", 50), ("other.tar.age", 900)):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (time, time))
    assert newest_backup(pattern) == 100


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "less than a minute"), (60, "1 minute"), (7300, "2 hours"), (86400 * 3, "3 days"), (-5, "less than a minute")],
)
def test_ages(seconds: int, said: str) -> None:
    assert age(seconds) == said


def test_times_and_names() -> None:
    assert moment("1970-01-01T00:01:00Z") == 60
    assert moment("1970-01-01T01:01:00.5+01:00") == 60.5
    assert moment("yesterday") is None
    assert moment(None) is None
    assert some("abcdef", 2) == "a, b and 4 more"
