# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What git and ssh print, and the sentence for it; the environment in which they are asked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.git import Access, environment, fault

SSH = Access("ssh://git@git.example.net:2222/srv/it", "/keys/deploy.key", ("[git.example.net]:2222 ssh-ed25519 AAAA",))
HTTPS = Access("https://git.example.net/it", username="o'brien", token="/keys/it's token", ca="/keys/ca.pem")


@pytest.mark.parametrize(("access", "printed", "sentence"), [
    (SSH, "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.",
     "[git.example.net]:2222 shows a host key that homelab_gitops_known_hosts does not have"),
    (SSH, "No ED25519 host key is known for [git.example.net]:2222 and you have requested strict checking.",
     "has no such line for [git.example.net]:2222 (No ED25519 host key is known"),
    (SSH, "git@git.example.net: Permission denied (publickey).\nfatal: Could not read from remote repository.",
     "does not take the deploy key /keys/deploy.key; add its public half"),
    (SSH, "ssh: connect to host git.example.net port 2222: Connection refused\nfatal: Could not read from remote",
     "cannot be reached (ssh: connect to host git.example.net port 2222: Connection refused)"),
    (SSH, "ssh: Could not resolve hostname git.example.net: Name or service not known", "cannot be reached ("),
    (SSH, "Operation timed out after 120 s", "cannot be reached (Operation timed out after 120 s)"),
    (SSH, "ERROR: Repository not found.\nfatal: Could not read from remote repository.",
     "has no repository ssh://git@git.example.net:2222/srv/it that this deploy key may read"),
    (SSH, "fatal: '/srv/it' does not appear to be a git repository", "has no repository ssh://"),
    (HTTPS, "fatal: unable to access 'https://git.example.net/it/': SSL certificate problem: self-signed certificate",
     "the certificate of git.example.net is not of a CA that is trusted (unable to access"),
    (HTTPS, "fatal: Authentication failed for 'https://git.example.net/it/'",
     "git.example.net does not take the user name with the token of /keys/it's token"),
    (HTTPS, "fatal: could not read Username for 'https://git.example.net': no terminal", "does not take the"),
    (HTTPS, "fatal: unable to access 'https://git.example.net/it/': Failed to connect to git.example.net port 443",
     "git.example.net cannot be reached (unable to access"),
    (HTTPS, "fatal: repository 'https://git.example.net/it/' not found", "has no repository https://git.example.net/it"),
    (HTTPS, "", "git cannot read https://git.example.net/it: git printed nothing; try 'git ls-remote"),
])  # fmt: skip
def test_each_fault_has_its_sentence(access: Access, printed: str, sentence: str) -> None:
    assert sentence in fault(access, printed)


def test_nothing_of_the_users_own_opens_the_repository(tmp_path: Path) -> None:
    found = environment(SSH, tmp_path, {"SSH_AUTH_SOCK": "/agent", "GIT_DIR": "/elsewhere", "PATH": "/bin"})
    assert {"SSH_AUTH_SOCK", "GIT_DIR"} & set(found) == set()
    command = found["GIT_SSH_COMMAND"]
    for option in ("StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "-F /dev/null"):
        assert option in command
    assert (tmp_path / "known_hosts").read_text() == "[git.example.net]:2222 ssh-ed25519 AAAA\n"
    assert found["GIT_CONFIG_GLOBAL"] == os.devnull


def test_a_token_goes_through_gits_credential_helper_and_no_environment(tmp_path: Path) -> None:
    token = tmp_path / "it's token"
    token.write_text("s3cret\n")
    access = Access("https://git.example.net/it", username="o'brien", token=str(token), ca="/keys/ca.pem")
    found = environment(access, tmp_path, dict(os.environ))
    assert "s3cret" not in str(found)
    assert found["GIT_SSL_CAINFO"] == "/keys/ca.pem"
    asked = "protocol=https\nhost=git.example.net\n\n"
    done = subprocess.run(
        ["git", "credential", "fill"], input=asked, env=found, capture_output=True, text=True, check=True
    )
    assert {"username=o'brien", "password=s3cret"} <= set(done.stdout.splitlines())
