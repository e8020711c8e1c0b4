# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: one verification as a document, as a table, and as JUnit's XML; pure."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from .model import BAD, BLIND, FAULTS, NOTE, OFF, OK, UNKNOWN, Row

FORMAT = 1
WORDS = {OK: "ok", NOTE: "note", BAD: "BAD", UNKNOWN: "UNKNOWN", BLIND: "hidden", OFF: "-"}
STAMP = "%Y-%m-%dT%H:%M:%SZ"


def document(name: str, rows: Sequence[Row], now: float, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is kept of a verification, with what is new since the one before."""
    old = {row_key(row): row for row in (before or {}).get("rows") or ()}
    faults = [row for row in rows if row.is_fault]
    was = {key for key, row in old.items() if row["status"] in FAULTS}
    return {
        "format": FORMAT,
        "name": name,
        "time": time.strftime(STAMP, time.gmtime(now)),
        "before": (before or {}).get("time"),
        "healthy": not faults,
        "counts": dict(sorted(Counter(row.status for row in rows).items())),
        "rows": [row.as_dict() for row in rows],
        "new": [row.key for row in faults if row.key not in was] if before else [],
        "mended": sorted(was - {row.key for row in faults} - {row.key for row in rows if row.status == BLIND}),
    }


def row_key(row: Mapping[str, str]) -> str:
    """What makes a row the same one in another report."""
    return f"{row['area']}/{row['subject']}/{row['check']}"


def table(report: Mapping[str, Any]) -> list[str]:
    """The rows as aligned lines, faults marked, and the sum last."""
    rows = report["rows"]
    widths = [max((len(row[key]) for row in rows), default=0) for key in ("area", "subject", "check")]
    lines = []
    for row in rows:
        names = (row[key].ljust(width) for key, width in zip(("area", "subject", "check"), widths))
        news = " (new)" if row_key(row) in report["new"] else ""
        lines.append(f"{WORDS[row['status']]:7}  {'  '.join(names)}  {row['said']}{news}")
    return [*lines, summary(report)]


def moment_text(stamp: str) -> str:
    """A moment as people write it."""
    return stamp.replace("T", " ").replace("Z", " UTC")


def summary(report: Mapping[str, Any]) -> str:
    """One sentence for the whole."""
    counts = report["counts"]
    faults = sum(counts.get(status, 0) for status in FAULTS)
    said = f"{counts.get(OK, 0)} of {counts.get(OK, 0) + faults} checks are well"
    if report["before"]:
        said += f"; new since {moment_text(report['before'])}: {len(report['new'])}, mended: {len(report['mended'])}"
    return said


def faults(report: Mapping[str, Any]) -> list[str]:
    """The rows that fail, one sentence each."""
    return [
        f"{row['area']}: {row['subject']}: {row['check']}: {row['said']}"
        for row in report["rows"]
        if row["status"] in FAULTS
    ]


def junit(report: Mapping[str, Any]) -> str:
    """The rows as test cases, areas as suites."""
    areas = list(dict.fromkeys(row["area"] for row in report["rows"]))
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites name={quoteattr(report['name'])}>"]
    for area in areas:
        rows = [row for row in report["rows"] if row["area"] == area]
        counts = Counter(row["status"] for row in rows)
        lines.append(
            f'  <testsuite name={quoteattr(area)} tests="{len(rows)}" failures="{counts[BAD]}" '
            f'errors="{counts[UNKNOWN]}" skipped="{counts[OFF] + counts[BLIND]}" timestamp="{report["time"][:-1]}">'
        )
        lines += [_case(row) for row in rows]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def _case(row: Mapping[str, str]) -> str:
    head = f"    <testcase classname={quoteattr(row['area'] + '.' + row['subject'])} name={quoteattr(row['check'])}"
    tag = {BAD: "failure", UNKNOWN: "error", OFF: "skipped", BLIND: "skipped"}.get(row["status"])
    if tag is None:
        return f"{head}><system-out>{escape(row['said'])}</system-out></testcase>"
    return f"{head}><{tag} message={quoteattr(row['said'])}/></testcase>"
