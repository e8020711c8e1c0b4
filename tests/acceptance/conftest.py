# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twins of the acceptance tests, beside whatever `make lab` runs: one of five machines, and a small one."""

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


@pytest.fixture(scope="session")
def small() -> Iterator[Twin]:
    """A server and a worker after one complete build."""
    acceptance = Twin(Path("tests/acceptance/small"))
    acceptance.fresh()
    run = acceptance.play()
    assert run.status == 0, run.output[-4000:]
    yield acceptance
    if not os.environ.get("KEEP_LAB"):
        acceptance.lab("down", "--keep-image")
