# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the report as one page that loads nothing from anywhere; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from .model import FAULTS, OK
from .report import WORDS, moment_text, row_key, summary
from .style import STYLE

NAMES = {
    "machines": "Machines", "nodes": "Nodes", "datastore": "Datastore", "network": "Network", "storage": "Storage",
    "nfs": "NFS", "gpu": "GPUs", "gitops": "Flux", "workloads": "Workloads",
}  # fmt: skip
Report = Mapping[str, Any]


def page(report: Report) -> str:
    """All of it."""
    title = f"{report['name']}: {'healthy' if report['healthy'] else 'faults'}"
    parts = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
        *_verdict(report),
        *_faults(report),
        *_mended(report),
        *_machines(report.get("machines") or ()),
        *_areas(report),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _verdict(report: Report) -> Iterator[str]:
    sick = "" if report["healthy"] else " sick"
    mark = '<span class="ok">&#10003;</span>' if report["healthy"] else '<span class="bad">&#10007;</span>'
    faults = sum(report["counts"].get(status, 0) for status in FAULTS)
    head = "is well" if report["healthy"] else f"has {faults} fault{'s' if faults != 1 else ''}"
    yield f'<header class="verdict{sick}"><div class="mark">{mark}</div><div>'
    yield f"<h1>{escape(report['name'])} {head}</h1>"
    yield f'<p class="soft">{escape(moment_text(report["time"]))} &middot; {escape(summary(report))}</p></div></header>'


def _faults(report: Report) -> Iterator[str]:
    rows = [row for row in report["rows"] if row["status"] in FAULTS]
    if not rows:
        return
    yield '<h2>What to do</h2><ul class="faults">'
    for row in rows:
        new = ' <span class="new">new</span>' if row_key(row) in report["new"] else ""
        name = escape(f"{row['subject']}: {row['check']}")
        yield f"<li><b>{name}</b>{new} <span class=soft>{NAMES[row['area']]}</span><br>{escape(row['said'])}</li>"
    yield "</ul>"


def _mended(report: Report) -> Iterator[str]:
    if report["mended"]:
        before, mended = moment_text(report["before"]), ", ".join(report["mended"])
        yield f'<p class="ok">Mended since {escape(before)}: {escape(mended)}</p>'


def _machines(machines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not machines:
        return
    yield '<h2>Machines</h2><section class="rail"><span class="net">network</span>'
    for machine in machines:
        yield f'<div class="machine {machine["status"]}">'
        links = [
            " ".join(part for part in (link["name"], link["speed"], link["bus"]) if part) for link in machine["links"]
        ]
        yield f'<div class="link">{escape(", ".join(links) or "link not described")}</div>'
        yield f"<b>{escape(machine['name'])}</b> <span class=soft>{escape(machine['address'])}</span><br>"
        yield f"<span class=soft>{escape(machine['model'])}</span><br>"
        yield from (f'<span class="chip">{escape(role)}</span>' for role in machine["roles"])
        yield from (f'<span class="chip gpu">{escape(gpu)}</span>' for gpu in machine["gpus"])
        if machine["faults"]:
            yield f'<div class="bad">{escape(", ".join(machine["faults"]))}</div>'
        yield '<div class="disks">'
        yield from (_disk(disk) for disk in machine["disks"])
        yield "</div></div>"
    yield "</section>"


def _disk(disk: Mapping[str, str]) -> str:
    title = escape(disk["title"], quote=True)
    return f'<div class="disk {disk["status"]}" title="{title}">{escape(disk["tier"])}</div>'


def _areas(report: Report) -> Iterator[str]:
    yield "<h2>All checks</h2>"
    for area in dict.fromkeys(row["area"] for row in report["rows"]):
        rows = [row for row in report["rows"] if row["area"] == area]
        rows.sort(key=lambda row: row["status"] not in FAULTS)
        sick = sum(row["status"] in FAULTS for row in rows)
        well = sum(row["status"] == OK for row in rows)
        said = '<span class="off">not looked at</span>'
        if sick or well:
            words = f"{sick} of {sick + well} red" if sick else f"{well} well"
            said = f'<span class="{"bad" if sick else "ok"}">{words}</span>'
        yield f"<details{' open' if sick else ''}><summary>{NAMES[area]} {said}</summary><table><tbody>"
        for row in rows:
            cells = (WORDS[row["status"]], row["subject"], row["check"], row["said"])
            first, *others = (escape(cell) for cell in cells)
            rest = "".join(f"<td>{cell}</td>" for cell in others)
            yield f'<tr><td class="{row["status"]}">{first}</td>{rest}</tr>'
        yield "</tbody></table></details>"
