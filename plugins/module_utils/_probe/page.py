# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the diagnosis as one page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import LAYERS, Host
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.matrix import Cell, Matrix
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.verdict import Verdict

STYLE = """
:root { color-scheme: light dark; --text: #1c2126; --faint: #5b6570; --back: #fff; --line: #d5dae0;
  --ok: #d9f0dd; --l1: #e5484d; --l2: #f2994a; --l3: #f7c948; --l4: #9db7f5; --none: #eef1f4; --dark: #1c2126; }
@media (prefers-color-scheme: dark) { :root { --text: #e8ebee; --faint: #9aa5b1; --back: #15191d; --line: #39424c;
  --ok: #1f4a2b; --none: #22282e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem; max-width: 64rem; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 1.8rem 0 .5rem; }
p { margin: .3rem 0; } .faint { color: var(--faint); }
ol { list-style: none; margin: 0; padding: 0; }
ol > li { border-left: .4rem solid var(--line); padding: .3rem .8rem; margin: .6rem 0; overflow-wrap: anywhere; }
li ul { margin: .2rem 0; padding-left: 1.2rem; color: var(--faint); font-size: .9rem; }
.wide { overflow-x: auto; }
table { border-collapse: separate; border-spacing: 3px; font-size: .85rem; }
th { font-weight: 600; text-align: left; padding: .2rem .4rem; vertical-align: bottom; }
thead th { max-width: 8rem; overflow-wrap: break-word; }
thead th:first-child { white-space: nowrap; }
tbody th { white-space: nowrap; vertical-align: middle; position: sticky; left: 0; background: var(--back); }
td { min-width: 3rem; height: 2.2rem; text-align: center; border-radius: .3rem; background: var(--none);
  padding: 0 .4rem; white-space: nowrap; }
.ok { background: var(--ok); } .l1, .l2, .l3, .l4 { color: var(--dark); font-weight: 600; }
.l1 { background: var(--l1); color: #fff; } .l2 { background: var(--l2); } .l3 { background: var(--l3); }
.l4 { background: var(--l4); }
li.l1, li.l2, li.l3, li.l4 { background: none; color: inherit; font-weight: inherit; }
li.l1 { border-color: var(--l1); } li.l2 { border-color: var(--l2); } li.l3 { border-color: var(--l3); }
li.l4 { border-color: var(--l4); }
.key span { display: inline-block; padding: 0 .5rem; border-radius: .3rem; margin: 0 .4rem .3rem 0; font-size: .85rem; }
details { border-top: 1px solid var(--line); padding: .4rem 0; } summary { cursor: pointer; overflow-wrap: anywhere; }
li details { border: none; padding: 0; color: var(--faint); font-size: .9rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .4rem 0 .4rem 1rem;
  font-size: .9rem; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 45rem) { thead th:not(:first-child) { writing-mode: vertical-rl; transform: rotate(180deg);
  max-height: 8rem; padding: .2rem 0; } td { min-width: 2rem; padding: 0 .15rem; } table { border-spacing: 2px;
  font-size: .75rem; } tbody th { padding: .2rem .3rem .2rem 0; } }
@media (max-width: 30rem) { body { padding: .8rem; } dl { grid-template-columns: 1fr; gap: 0; margin-left: .4rem; } }
"""


def page(
    title: str,
    time: str,
    hosts: Sequence[Host],
    found: Matrix,
    verdicts: Sequence[Verdict],
    left_out: Sequence[str] = (),
) -> str:
    """The whole document."""
    name = escape(title)
    body = "\n".join(
        [
            f"<h1>Network of {name}</h1>",
            f'<p class="faint">{escape(time)}, {len(hosts)} machines</p>',
            "<h2>Verdict</h2>",
            *_verdicts(verdicts),
            "<h2>Who reaches whom</h2>",
            *_table(found),
            *_key(),
            *(f'<p class="faint">Not looked at: {escape(each)}</p>' for each in left_out),
            "<h2>Machines</h2>",
            *(line for host in hosts for line in _machine(host, found)),
        ]
    )
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<title>Network of {name}</title>\n<style>{STYLE}</style>\n'
        f"</head><body>\n{body}\n</body></html>\n"
    )


def _verdicts(verdicts: Sequence[Verdict]) -> Iterator[str]:
    if not verdicts:
        yield "<p>No fault was found.</p>"
        return
    yield "<ol>"
    for verdict in verdicts:
        followers = "".join(f"<li>{escape(sentence)}</li>" for sentence in verdict.followers)
        more = f"<details><summary>What follows</summary><ul>{followers}</ul></details>" if followers else ""
        yield f'<li class="l{verdict.layer}">{escape(verdict.line)}{more}</li>'
    yield "</ol>"


def _table(found: Matrix) -> Iterator[str]:
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in found.columns)
    yield f'<div class="wide"><table><thead><tr><th scope="col">from \\ to</th>{heads}</tr></thead><tbody>'
    for row in found.rows:
        cells = "".join(_cell(row, column, found.cells[(row, column)]) for column in found.columns)
        yield f'<tr><th scope="row">{escape(row)}</th>{cells}</tr>'
    yield "</tbody></table></div>"


def _cell(row: str, column: str, cell: Cell) -> str:
    kind = {None: "", 0: ' class="ok"'}.get(cell.layer, f' class="l{cell.layer}"')
    title = escape("\n".join([f"{row} to {column}", *cell.details]), quote=True)
    return f'<td{kind} title="{title}">{escape(cell.short)}</td>'


def _key() -> Iterator[str]:
    layers = "".join(f'<span class="l{layer}">{layer} {name}</span>' for layer, name in LAYERS.items())
    yield f'<p class="key"><span class="ok">ok</span>{layers}</p>'


def _machine(host: Host, found: Matrix) -> Iterator[str]:
    name = f'{escape(host.name)} <span class="faint">{escape(host.wanted.address)}</span>'
    if host.evidence is None:
        yield f"<details><summary>{name}: could not be asked</summary><p>{escape(host.reason)}</p></details>"
        return
    rows = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in _facts(host))
    failures = [
        f"{column}: {detail}"
        for column in found.columns
        if found.cells[(host.name, column)].layer
        for detail in found.cells[(host.name, column)].details
    ]
    rows += "".join(f"<dt>failed</dt><dd>{escape(failure)}</dd>" for failure in failures)
    state = f"{len(failures)} checks failed" if failures else "reaches everything"
    yield f"<details><summary>{name}: {state}</summary><dl>{rows}</dl></details>"


def _facts(host: Host) -> Iterator[tuple[str, str]]:
    seen = host.evidence or {}
    for name, link in (seen.get("links") or {}).items():
        speed = f"{link['speed']} Mb/s, {link['duplex'] or 'unknown'} duplex" if link["speed"] else "speed unknown"
        state = "carrier" if link["carrier"] else "no carrier"
        errors = sum(link["errors"].values())
        counts = f"{link['carrier_changes']} carrier changes, {errors} errors"
        yield f"link {name}", f"{state}, {speed}, MTU {link['mtu']}, {link['mac']}, {counts}"
    for route in seen.get("routes") or []:
        if route["destination"] == "default":
            yield "default route", f"{route['gateway']} on {route['device']}"
    yield "rule for table local", "there" if seen.get("local_rule") else "missing"
    if seen.get("clock") is not None:
        yield "clock", f"{seen['clock']:+.1f} s against the controller's, the connection included"
    if seen.get("exchange"):
        yield "VXLAN's port", f"exchanged by {seen['exchange']['state']}"
    for event in (seen.get("events") or [])[-5:]:
        yield "kernel", event["line"]
    for check, error in (seen.get("unfinished") or {}).items():
        yield f"not seen: {check}", error
