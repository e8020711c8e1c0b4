# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks as a user runs them at home, where no machine exists."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
TOKENS = {
    "homelab_k3s_server_token": "5f1d9a7c3e8b2046d1c95e7a80b3f264",
    "homelab_k3s_agent_token": "e8a04b7d2c6f19358d7be0a4c15f2936",
}
# Documentation addresses (RFC 5737): nothing answers there.
NOWHERE = "192.0.2."


def play(site: Path, playbook: str, *arguments: str) -> tuple[int, str]:
    """Exit status and output; a machine that is contacted shows as unreachable."""
    argv = ["ansible-playbook", "-i", str(site), playbook, "--timeout", "1", *arguments]
    environment = os.environ | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORKS": "5"}
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def run(site: Path, playbook: str, *arguments: str, **variables: Any) -> tuple[int, str]:
    """The same with these extra variables, the output in one line."""
    status, output = play(site, playbook, "--extra-vars", json.dumps(variables), *arguments)
    return status, " ".join(output.split())
