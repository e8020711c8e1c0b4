# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's twin, and the switches of the stand-in beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hypervisor import Hypervisor
from tests.twin import Twin


@pytest.fixture(scope="session")
def twin() -> Twin:
    return Twin(Path(__file__).resolve().parents[1] / "inventory")


@pytest.fixture
def pve(twin: Twin) -> Iterator[Hypervisor]:
    """The stand-in, healthy again after each test."""
    hypervisor = Hypervisor(twin)
    yield hypervisor
    hypervisor.fault()
