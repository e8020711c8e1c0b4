# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One verification as a document, a table, JUnit's XML and a page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.judge import judge
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.model import BAD, BLIND, OK, UNKNOWN, Row
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.page import page
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.picture import picture
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.report import document, faults, junit, table
from tests.unit.verified_faults import FAULTS
from tests.unit.verified_home import NOW, Home


def row(check: str, status: str) -> Row:
    return Row("nodes", "k3s1", check, status, f"{check} is <{status}> & more")


def report(*rows: Row, before: dict[str, Any] | None = None) -> dict[str, Any]:
    return document("home", rows, NOW, before)


def test_a_first_report_has_nothing_new() -> None:
    first = report(row("a", BAD), row("b", OK))
    assert (first["new"], first["mended"], first["healthy"], first["before"]) == ([], [], False, None)
    assert first["time"] == "2025-06-15T15:06:40Z"


def test_what_is_new_and_what_is_mended() -> None:
    first = report(row("a", BAD), row("b", OK), row("c", UNKNOWN), row("d", BAD), row("gone", BAD))
    second = report(row("a", BAD), row("b", BAD), row("c", OK), row("d", BLIND), before=first)
    assert second["new"] == ["nodes/k3s1/b"]
    assert second["mended"] == ["nodes/k3s1/c", "nodes/k3s1/gone"], "what is hidden is not mended"
    assert second["before"] == first["time"]
    assert table(second)[-1] == ("1 of 3 checks are well; new since 2025-06-15 15:06:40 UTC: 1, mended: 2")
    assert table(second)[1].endswith("(new)")


def test_the_table_has_one_aligned_line_for_each_row() -> None:
    lines = table(report(row("short", OK), row("much-longer", BAD)))
    assert lines[0].index("short is") == lines[1].index("much-longer is")
    assert lines[1].startswith("BAD ")
    assert faults(report(row("short", OK), row("x", BAD))) == ["nodes: k3s1: x: x is <bad> & more"]


def test_junit_counts_what_the_table_shows() -> None:
    root = ElementTree.fromstring(junit(report(row("a", OK), row("b", BAD), row("c", UNKNOWN), row("d", BLIND))))
    (suite,) = root
    assert {key: suite.get(key) for key in ("name", "tests", "failures", "errors", "skipped")} == {
        "name": "nodes", "tests": "4", "failures": "1", "errors": "1", "skipped": "1",
    }  # fmt: skip
    assert [case[0].get("message") for case in suite if case[0].tag == "failure"] == ["b is <bad> & more"]


class Balanced(HTMLParser):
    """Complains about tags that are not closed in order."""

    EMPTY = ("meta", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for key, value in attrs if key in ("src", "href")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(home: Home) -> tuple[str, Balanced]:
    world = home.world()
    rows = judge(world)
    whole = document("home", rows, NOW, None) | {"machines": picture(world, rows)}
    text, reader = page(whole), Balanced()
    reader.feed(text)
    assert reader.open == []
    return text, reader


def test_the_page_is_whole_and_loads_nothing() -> None:
    text, reader = shown(Home())
    assert reader.loads == []
    assert not re.search(r"https?://|@import|url\(|<script", text)
    assert "home is well" in reader.text
    assert "What to do" not in reader.text
    assert text.count('class="machine ok"') == 4
    assert text.count('class="disk ok"') == 4, "two of Optane, one directory, one of the system"


@pytest.mark.parametrize("fault", FAULTS)
def test_the_page_tells_each_fault_first(fault: str) -> None:
    home = Home()
    FAULTS[fault][2](home)
    _text, reader = shown(home)
    assert FAULTS[fault][1] in reader.text.partition("All checks")[0]


def test_a_layer_that_is_not_built_is_not_called_well() -> None:
    home = Home()
    home.layers = ("hosts", "cluster", "storage")
    _text, reader = shown(home)
    assert "Network not looked at" in reader.text
    assert "0 well" not in reader.text


def test_words_from_outside_are_escaped() -> None:
    text = page(report(row("<script>alert(1)</script>", BAD)))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_the_picture_marks_the_disk_that_is_gone() -> None:
    home = Home()
    home.evidence["store"]["disks"]["disks"].pop()
    world = home.world()
    drawn = {machine["name"]: machine for machine in picture(world, judge(world))}
    assert [disk["status"] for disk in drawn["store"]["disks"]] == ["ok", "bad", "ok"]
    assert drawn["store"]["status"] == "bad"
    assert (drawn["master"]["status"], drawn["nas"]["roles"]) == ("ok", ["storage"])
