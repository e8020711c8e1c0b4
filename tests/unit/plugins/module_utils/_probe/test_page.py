# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page: whole, alone, and safe with whatever a machine says."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.matrix import matrix
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.page import page
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.verdict import judge
from tests.unit.plugins.module_utils._probe.town import Network

EMPTY = {"meta", "br", "link", "img"}


class Checker(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, _attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def render(network: Network) -> str:
    hosts = network.hosts()
    return page("k3s <home>", "2025-06-13 16:00", hosts, matrix(hosts), judge(hosts))


def test_page_is_well_formed_and_needs_nothing_else() -> None:
    network = Network()
    network.dead("k1")
    network.absent.add("k1")
    network.seen["k2"]["links"]["eth0"]["speed"] = 100
    document = render(network)
    checker = Checker()
    checker.feed(document)
    assert checker.open == []
    assert checker.seen.count("tr") == 6 and "script" not in checker.seen
    assert not re.search(r"(?:src|href)=|url\(|@import|https?:", document)
    assert 'name="viewport"' in document and "prefers-color-scheme: dark" in document
    assert "k2: link eth0 negotiated 100 Mb/s" in document and "could not be asked" in document


def test_whatever_a_machine_says_stays_text() -> None:
    network = Network()
    network.seen["k1"]["events"] = [
        {"kind": "x", "line": "<script>alert(1)</script>", "seconds": 0.0, "interface": None, "port": None}
    ]
    document = render(network)
    assert "<script" not in document and "&lt;script&gt;" in document
    assert "<title>Network of k3s &lt;home&gt;</title>" in document
    assert "No fault was found." in document
