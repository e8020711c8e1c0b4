# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's machines and house."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.town import Town
from tests.twin import Twin


@pytest.fixture(scope="session")
def town() -> Town:
    built = Town(Twin(Path(__file__).resolve().parents[1] / "inventory"))
    built.build()
    return built
