# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses move from one network into another, and nothing else moves."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.describe import DescriptionError
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rebase import parse_rebase, rebase_value

REBASE = parse_rebase({"192.168.10.0/24": "198.18.10.0/24"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("192.168.10.21", "198.18.10.21"),
        ("192.168.10.0/24", "198.18.10.0/24"),
        ("192.168.10.224/28", "198.18.10.224/28"),
        ("https://192.168.10.30:6443", "https://198.18.10.30:6443"),
        ("from 192.168.10.22, or 192.168.10.23.", "from 198.18.10.22, or 198.18.10.23."),
        ("192.168.1.1", "192.168.1.1"),
        ("1.192.168.10.21", "1.192.168.10.21"),
        ("192.168.10.21.5", "192.168.10.21.5"),
        ("v192.168.10.21", "v192.168.10.21"),
        ("192.168.10.300", "192.168.10.300"),
        ("10.42.0.0/16", "10.42.0.0/16"),
        ("v1.32.5+k3s1", "v1.32.5+k3s1"),
        (8, 8),
        (None, None),
        (True, True),
        ([{"a": ["192.168.10.1"]}], [{"a": ["198.18.10.1"]}]),
        ({"192.168.10.1": "x"}, {"198.18.10.1": "x"}),
    ],
)
def test_addresses_move(before: object, after: object) -> None:
    assert rebase_value(before, REBASE) == after


@given(st.integers(0, 2**32 - 1))
def test_an_address_moves_exactly_when_it_lies_in_the_source(number: int) -> None:
    address = ipaddress.IPv4Address(number)
    moved = ipaddress.IPv4Address(str(rebase_value(str(address), REBASE)))
    inside = address in ipaddress.IPv4Network("192.168.10.0/24")
    assert moved == (ipaddress.IPv4Address("198.18.10.0") + number % 256 if inside else address)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"192.168.10.0/24": "198.18.10.0/28"},
         "rebase: 192.168.10.0/24 does not fit into 198.18.10.0/28; give a target at least as large"),
        ({"home": "198.18.10.0/24"}, "rebase: 'home' is not an IPv4 network; write it as 192.168.10.0/24"),
        ({"10.0.0.0/8": "11.0.0.0/8", "10.1.0.0/16": "12.1.0.0/16"},
         "rebase: 10.1.0.0/16 overlaps another source; name each network once"),
    ],
)  # fmt: skip
def test_what_cannot_be_moved(option: dict[str, object], message: str) -> None:
    with pytest.raises(DescriptionError) as error:
        parse_rebase(option)
    assert str(error.value) == message
