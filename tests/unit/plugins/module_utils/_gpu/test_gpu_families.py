# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Device ids, and what follows from the architecture behind them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.families import (
    BRANCHES,
    INTEL,
    MODELS,
    NVIDIA,
    family_of,
    guc_by_default,
    guc_for_low_power,
)


@pytest.mark.parametrize(
    ("pci_id", "family"),
    [
        ("10de:102d", "kepler"),
        ("10de:13c2", "maxwell"),
        ("10de:17f0", "maxwell"),
        ("10de:15f8", "pascal"),
        ("10de:1b38", "pascal"),
        ("10de:1db6", "volta"),
        ("10de:1eb8", "turing"),
        ("10de:1f82", "turing"),
        ("10de:21c4", "turing"),
        ("10de:20b5", "ampere"),
        ("10de:2235", "ampere"),
        ("10de:2484", "ampere"),
        ("10de:2335", "hopper"),
        ("10de:2684", "ada"),
        ("10de:27b8", "ada"),
        ("10de:2b85", "blackwell"),
        ("8086:1912", "gen9-skylake"),
        ("8086:5912", "gen9-kabylake"),
        ("8086:3e92", "gen9-coffeelake"),
        ("8086:9bc5", "gen9-cometlake"),
        ("8086:9bc8", "gen9-cometlake"),
        ("8086:4c8a", "gen12-rocketlake"),
        ("8086:4680", "gen12-alderlake-s"),
        ("8086:46d1", "gen12-alderlake-n"),
        ("8086:a780", "gen12-raptorlake-s"),
        ("8086:56a5", "arc-alchemist"),
        ("8086:0046", None),
        ("10de:0001", None),
        ("1002:73bf", None),
    ],
)
def test_family_of(pci_id: str, family: str | None) -> None:
    assert family_of(pci_id) == family


@pytest.mark.parametrize("table", [NVIDIA, INTEL])
def test_no_device_is_in_two_ranges(table: tuple[tuple[int, int, str], ...]) -> None:
    ranges = sorted(table)
    assert all(first <= last for first, last, _family in ranges)
    assert all(before[1] < after[0] for before, after in pairwise(ranges))


def test_every_named_model_and_every_nvidia_architecture_is_placed() -> None:
    assert [pci_id for pci_id in MODELS if family_of(pci_id) is None] == []
    assert {family for _first, _last, family in NVIDIA} == set(BRANCHES)


@pytest.mark.parametrize(
    ("family", "default", "low_power"),
    [
        ("gen8-broadwell", 0, None),
        ("gen9-cometlake", 0, 2),
        ("gen11-icelake", 0, 2),
        ("gen12-tigerlake", 0, 2),
        ("gen12-rocketlake", 0, 2),
        ("gen12-alderlake-s", 2, None),
        ("gen12-raptorlake-s", 3, None),
        ("gen12-alderlake-p", 3, None),
        ("arc-alchemist", 3, None),
    ],
)
def test_guc(family: str, default: int, low_power: int | None) -> None:
    assert (guc_by_default(family), guc_for_low_power(family)) == (default, low_power)
