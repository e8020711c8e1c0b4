# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The homelab's inventory for tests of playbooks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.unit.playbooks.home import NOWHERE, ROOT, TOKENS


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A copy of the homelab whose machines cannot be reached, with tokens."""
    copy = tmp_path / "site"
    shutil.copytree(ROOT / "inventory/home", copy, ignore=shutil.ignore_patterns("secrets*"))
    for file in copy.rglob("*.yml"):
        file.write_text(file.read_text().replace("192.168.10.", NOWHERE))
    (copy / "group_vars/all/secrets.yml").write_text(yaml.safe_dump(TOKENS))
    return copy
