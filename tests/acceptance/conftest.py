# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A five-machine twin of its own for the acceptance tests, beside whatever `make lab` runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.twin import Twin


@pytest.fixture(scope="session")
def twin() -> Iterator[Twin]:
    acceptance = Twin(Path("tests/acceptance/inventory"))
    yield acceptance
    if not os.environ.get("KEEP_LAB"):
        acceptance.lab("down", "--keep-image")


@pytest.fixture(scope="session")
def built(twin: Twin) -> Twin:
    """The twin after one complete build."""
    twin.fresh()
    run = twin.play()
    assert run.status == 0, run.output[-4000:]
    return twin
