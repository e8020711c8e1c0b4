# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's twin, whose mirror has a newer release too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.releases import have_release
from tests.twin import Twin


@pytest.fixture(scope="session")
def twin() -> Twin:
    twin = Twin(Path(__file__).resolve().parents[1] / "inventory")
    have_release(twin, "v1.32.6+k3s1")
    return twin
