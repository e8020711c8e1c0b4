# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets and keys of one lab, made once and kept with it."""

from __future__ import annotations

import os
import secrets as random
from pathlib import Path

import pyrage

from lab.command import Runner, must, run
from lab.site import Site

TOKENS = ("homelab_k3s_server_token", "homelab_k3s_agent_token")


def have_secrets(site: Site, runner: Runner = run) -> str:
    """Make the lab's tokens, its key for backups and its SSH key unless they are there; return the public key."""
    site.state.mkdir(parents=True, exist_ok=True)
    tokens = site.state / "secrets.yml"
    if not tokens.exists():
        write_private(tokens, "---\n" + "".join(f'{name}: "{random.token_hex(32)}"\n' for name in TOKENS))
    if not (site.state / "backup.pub").exists():
        identity = pyrage.x25519.Identity.generate()
        write_private(site.state / "backup.key", f"{identity}\n")
        write_private(site.state / "backup.pub", f"{identity.to_public()}\n")
    key = site.state / "id_ed25519"
    if not key.with_suffix(".pub").exists():
        key.unlink(missing_ok=True)
        must(runner, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab {site.name}", "-f", str(key)])
    return key.with_suffix(".pub").read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    temporary = path.with_name(f".{path.name}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
    temporary.rename(path)
