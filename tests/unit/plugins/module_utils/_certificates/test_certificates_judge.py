# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates come to their end, as a table."""

from __future__ import annotations

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._certificates.judge import (
    DAY,
    Certificate,
    expiring,
    parse,
    sentence,
)

NOW = 1_700_000_000.0


def ending(days: float, **more: bool) -> Certificate:
    return Certificate("/c.crt", "CN = c", NOW + days * DAY, **more)


@pytest.mark.parametrize(
    ("certificate", "found"),
    [
        (ending(121), False),
        (ending(120), True),
        (ending(-3), True),
        (ending(1, authority=True), False),
        (Certificate("/c.crt", problem="no such thing"), True),
    ],
)
def test_expiring(certificate: Certificate, found: bool) -> None:
    assert (expiring([certificate], 120, NOW) == [certificate]) is found


def test_the_first_to_end_comes_first() -> None:
    later, sooner = ending(20), ending(10)
    assert expiring([later, sooner], 120, NOW) == [sooner, later]


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        (ending(12.5), "/c.crt ends in 12 days"),
        (ending(-2), "/c.crt ended 2 days ago"),
        (Certificate("/c.crt", problem="empty"), "/c.crt cannot be read: empty"),
    ],
)
def test_sentences(certificate: Certificate, words: str) -> None:
    assert sentence(certificate, NOW) == words


def test_an_answer_of_openssl_is_read() -> None:
    text = "subject=O = system:nodes, CN = system:node:k3s1\nnotAfter=Nov 14 22:13:20 2023 GMT\n"
    assert parse("/c.crt", text) == Certificate("/c.crt", "O = system:nodes, CN = system:node:k3s1", NOW)
    assert parse("/c.crt", text + "X509v3 Basic Constraints: critical\n    CA:TRUE\n").authority
    assert parse("/c.crt", "subject=CN = c\n").problem
