# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""storage.yml as a user runs it at home, where its questions are open and no machine exists."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
TOKENS = {
    "homelab_k3s_server_token": "5f1d9a7c3e8b2046d1c95e7a80b3f264",
    "homelab_k3s_agent_token": "e8a04b7d2c6f19358d7be0a4c15f2936",
}
# Documentation addresses (RFC 5737): nothing answers there.
NOWHERE = "192.0.2."
OPEN = "is unknown and the layer storage needs it"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A copy of the homelab whose machines cannot be reached, with tokens."""
    copy = tmp_path / "site"
    shutil.copytree(ROOT / "inventory/home", copy, ignore=shutil.ignore_patterns("secrets*"))
    for file in copy.rglob("*.yml"):
        file.write_text(file.read_text().replace("192.168.10.", NOWHERE))
    (copy / "group_vars/all/secrets.yml").write_text(yaml.safe_dump(TOKENS))
    return copy


def run(site: Path, playbook: str, variables: dict[str, Any]) -> tuple[int, str]:
    """Exit status and output in one line; a machine that is contacted shows as unreachable."""
    argv = ["ansible-playbook", "-i", str(site), playbook, "--timeout", "1", "--extra-vars", json.dumps(variables)]
    environment = os.environ | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORKS": "5"}
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_open_questions_stop_the_storage_and_no_machine_is_contacted(site: Path) -> None:
    status, output = run(site, "playbooks/storage.yml", {})
    assert status != 0
    assert f"k3s3: homelab_machine.disks[*].serial_pattern {OPEN}" in output
    assert f"r730: homelab_machine.pools[*].uuid {OPEN}" in output
    assert "UNREACHABLE" not in output


def test_a_build_of_other_layers_leaves_the_storage_alone_and_says_so(site: Path) -> None:
    # as site.yml enters it, at home
    status, output = run(site, "playbooks/storage.yml", {"storage_alone": False})
    assert status == 0, output
    assert "homelab_layers does not name storage, so disks, Longhorn and NFS exports stay as they are" in output
    assert OPEN not in output
    assert "UNREACHABLE" not in output


def test_site_stops_at_the_questions_only_when_storage_is_among_its_layers(site: Path) -> None:
    assert OPEN not in run(site, "site.yml", {})[1]
    status, output = run(site, "site.yml", {"homelab_layers": ["hosts", "cluster", "storage"]})
    assert status != 0
    assert OPEN in output
    assert "UNREACHABLE" not in output


def test_a_twin_is_not_asked_what_only_home_can_answer(site: Path) -> None:
    status, output = run(site, "playbooks/storage.yml", {"homelab_list_questions": False})
    assert status != 0
    assert OPEN not in output
    assert "UNREACHABLE" in output
