# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's twin, and the secrets it is to live by."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.twin import Run, Twin

TOKENS = ("homelab_k3s_server_token", "homelab_k3s_agent_token")


@dataclass
class Site:
    """The twin, and the secrets its inventory reads from the lab's folder."""

    twin: Twin

    @property
    def file(self) -> Path:
        return self.twin.state / "secrets.yml"

    @property
    def tokens(self) -> dict[str, str]:
        known = yaml.safe_load(self.file.read_text())
        return {name: known[name] for name in TOKENS}

    @property
    def server_token(self) -> str:
        return self.tokens["homelab_k3s_server_token"]

    def renew(self) -> Path:
        """Put new tokens into the inventory; return a file with the old server token."""
        old = self.twin.state / "old-server-token"
        old.write_text(f"{self.server_token}\n")
        fresh = {name: secrets.token_hex(32) for name in TOKENS}
        self.file.write_text(yaml.safe_dump({**yaml.safe_load(self.file.read_text()), **fresh}))
        return old

    def rotate(self, old: Path, *arguments: str) -> Run:
        return self.twin.play("playbooks/rotate_tokens.yml", "-e", f"old_token_file={old}", *arguments)


@pytest.fixture(scope="session")
def twin() -> Twin:
    return Twin(Path(__file__).resolve().parents[1] / "inventory")


@pytest.fixture(scope="session")
def site(twin: Twin) -> Site:
    return Site(twin)
