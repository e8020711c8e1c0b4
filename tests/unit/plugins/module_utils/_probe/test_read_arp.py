# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of ARP; the exchange itself is tried in test_faults.py."""

from __future__ import annotations

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.read_arp import answer, request

OWN = bytes.fromhex("6c1ff71be8c8")


def test_a_request_asks_everybody() -> None:
    frame = request(OWN, "192.0.2.1", "192.0.2.2")
    assert len(frame) == 42
    assert frame[:6] == b"\xff" * 6 and frame[6:12] == OWN
    assert answer(frame) == ("", "")


def test_an_answer_names_address_and_mac() -> None:
    frame = bytearray(request(OWN, "192.0.2.2", "192.0.2.1"))
    frame[21] = 2
    assert answer(bytes(frame)) == ("192.0.2.2", "6c:1f:f7:1b:e8:c8")
    assert answer(bytes(frame[:30])) == ("", "")
