# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reaches whom."""

from __future__ import annotations

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.matrix import matrix, text
from tests.unit.plugins.module_utils._probe.town import ADDRESSES, GATEWAY, Network


def test_sound_network() -> None:
    found = matrix(Network().hosts())
    assert found.rows == tuple(ADDRESSES)
    assert found.columns == (*ADDRESSES, "gateway", "dns 198.51.100.53", f"ntp {GATEWAY}", "router")
    assert all(cell.layer == 0 for (row, column), cell in found.cells.items() if row != column)
    assert found.cells[("k1", "k2")].details == (
        "MAC 02:00:00:00:01:02", "20 of 20 pings answered", "ports 22, 10250 open",
    )  # fmt: skip


def test_cells_name_the_lowest_layer() -> None:
    network = Network()
    network.cut("k1", "k2")
    network.seen["k1"]["small"][ADDRESSES["k3"]]["answered"] = 14
    network.seen["k1"]["big"][ADDRESSES["m1"]]["answered"] = 0
    network.seen["k1"]["exchange"]["answered"].remove(ADDRESSES["m1"])
    network.seen["k1"]["dns"] = {"198.51.100.53": "timeout"}
    network.seen["k1"]["ntp"] = {GATEWAY: None}
    network.port("k1", "nas", 2049, "timeout")
    network.absent.add("k3")
    network.seen["m1"]["links"]["eth0"]["speed"] = 100
    found = matrix(network.hosts()).cells
    columns = ("k2", "k3", "m1", "nas", "dns 198.51.100.53", f"ntp {GATEWAY}")
    shown = {column: found[("k1", column)] for column in columns}
    assert [(cell.layer, cell.short) for cell in shown.values()] == [
        (2, "arp"), (3, "-30 %"), (3, "mtu"), (4, "2049"), (3, "dns"), (3, "ntp"),
    ]  # fmt: skip
    assert shown["m1"].details[1] == "VXLAN packets came in, but no answer did"
    assert (found[("m1", "m1")].layer, found[("m1", "m1")].short) == (1, "speed")
    assert found[("k3", "k1")].short == "?" and found[("k1", "k1")].layer is None


def test_lines_are_columns() -> None:
    lines = text(matrix(Network().hosts()))
    assert lines[0].startswith("from \\ to  m1") and len(lines) == 6
    assert lines[1].split()[:3] == ["m1", "·", "ok"]
    assert len({line.index("ok") // 100 for line in lines[1:]}) == 1
