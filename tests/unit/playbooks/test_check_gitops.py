# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""check_gitops.yml with the home inventory, through the real ansible-playbook."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.unit.plugins.modules.gitops_repository import Repository
from tests.unit.plugins.modules.test_gitops_check import unknown_dependency

ROOT = Path(__file__).resolve().parents[3]


def play(repository: Repository) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            "ansible-playbook", "-i", "inventory/home", "playbooks/check_gitops.yml",
            "-e", f"homelab_gitops_checkout={repository.root}", "-e", f"homelab_gitops_identity={repository.identity}",
        ],
        cwd=ROOT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_clean_repository_passes_and_a_spoilt_one_is_named(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    done = play(repository)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 Kustomizations with 14 objects: nothing found" in done.stdout
    assert "changed=0" in done.stdout
    unknown_dependency(repository)
    done = play(repository)
    assert done.returncode == 2
    assert "clusters/k3s-home/layers.yaml:" in done.stdout + done.stderr
    assert "did you mean cert-manager?" in done.stdout + done.stderr
