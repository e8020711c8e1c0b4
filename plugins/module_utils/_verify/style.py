# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: how the report's page looks, from a phone's width to a screen's, by day and by night."""

from __future__ import annotations

STYLE = """
:root { --paper: #f6f7f9; --card: #fff; --ink: #1c2430; --soft: #5b6675; --line: #d5dae2; --ok: #1a7f4b; --bad: #c0262d;
  --note: #8a5a00; --tint: #fdecec; --chip: #eef1f5; color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { --paper: #12161c; --card: #1b212a; --ink: #e6eaf0; --soft: #9aa5b4;
  --line: #333c48; --ok: #4cc38a; --bad: #ff7b80; --note: #e0ad4a; --tint: #3a2023; --chip: #28303b } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1rem 3rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .75rem }
.soft { color: var(--soft) } .ok { color: var(--ok) } .bad, .unknown { color: var(--bad) } .note { color: var(--note) }
.off, .blind { color: var(--soft) }
.verdict { display: flex; gap: 1rem; align-items: center; background: var(--card); padding: 1.25rem;
  border: 1px solid var(--line); border-left: .5rem solid var(--ok); border-radius: .5rem }
.verdict.sick { border-left-color: var(--bad) }
.verdict .mark { font-size: 2.25rem; line-height: 1; flex: 0 0 2.5rem; text-align: center }
.verdict p { margin: .15rem 0 0 }
.faults { list-style: none; margin: 0; padding: 0; display: grid; gap: .5rem }
.faults li { background: var(--tint); border-left: .25rem solid var(--bad); border-radius: .35rem;
  padding: .6rem .8rem }
.new { background: var(--bad); color: var(--card); border-radius: .25rem; font-size: .75rem; padding: .1rem .4rem }
.rail { border-top: .3rem solid var(--soft); padding-top: 1.5rem; display: grid; gap: 1.5rem 1rem; position: relative;
  grid-template-columns: repeat(auto-fit, minmax(13.5rem, 1fr)) }
.rail > .net { position: absolute; top: -1rem; right: 0; background: var(--paper); padding: 0 0 0 .5rem;
  font-size: .85rem; color: var(--soft) }
.machine { position: relative; background: var(--card); border: 2px solid var(--ok); border-radius: .5rem;
  padding: .8rem }
.machine.bad { border-color: var(--bad) } .machine.ok, .machine.bad { color: var(--ink) }
.machine::before { content: ""; position: absolute; left: 50%; top: -1.6rem; height: 1.5rem; width: .2rem;
  background: var(--soft) }
.machine .link { font-size: .8rem; color: var(--soft); margin-bottom: .4rem }
.machine b { font-size: 1.05rem }
.chip { display: inline-block; background: var(--chip); border-radius: .25rem; font-size: .75rem; padding: .05rem .4rem;
  margin: .1rem .2rem .1rem 0 }
.chip.gpu { border: 1px solid currentColor }
.disks { display: flex; flex-wrap: wrap; gap: .25rem; margin-top: .5rem }
.disk { padding: .05rem .35rem; border: 1.5px solid var(--ok); border-radius: .2rem; font-size: .72rem;
  color: var(--soft) }
.disk.bad, .disk.unknown { border-color: var(--bad); background: var(--tint); color: var(--bad) }
.disk.blind { border-style: dashed; border-color: var(--soft) }
details { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0 }
summary { cursor: pointer; padding: .6rem .9rem; font-weight: 600 }
summary span { font-weight: 400; float: right }
table { width: 100%; border-collapse: collapse; font-size: .92rem }
td { border-top: 1px solid var(--line); padding: .4rem .9rem; vertical-align: top }
td:nth-child(1) { width: 5.5rem; font-weight: 600 } td:nth-child(2) { width: 17rem } td:nth-child(3) { width: 10rem }
@media (max-width: 45rem) {
  body { padding: 1rem .75rem 2rem } td { display: inline-block; border: 0; padding: 0 .4rem 0 0 }
  td:nth-child(n) { width: auto } td:nth-child(4) { display: block; padding: 0 0 .2rem }
  tr { display: block; border-top: 1px solid var(--line); padding: .4rem .9rem } table, tbody { display: block }
  .rail { grid-template-columns: 1fr; gap: .75rem; border-top: 0; border-left: .3rem solid var(--soft);
    padding: 0 0 0 1rem }
  .rail > .net { position: static; background: none; padding: 0 }
  .machine::before { left: -1.1rem; top: 1.4rem; width: 1rem; height: .2rem } }
@media print { details:not([open]) > * { display: block } body { background: #fff } }
"""
