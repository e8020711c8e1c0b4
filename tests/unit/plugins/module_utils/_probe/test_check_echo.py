# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets of ICMP; the exchange itself is tried in test_faults.py."""

from __future__ import annotations

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.check_echo import checksum, packet


@pytest.mark.parametrize("size", [28, 64, 65, 1500])
def test_size_counts_the_ip_header_and_the_checksum_is_right(size: int) -> None:
    data = packet(0xBEEF, 7, size)
    assert len(data) == size - 20
    assert checksum(data) == 0
    assert data[0] == 8 and data[4:8] == bytes.fromhex("beef0007")
