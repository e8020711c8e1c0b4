# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens: what will not do as a secret, said without repeating it."""

from __future__ import annotations

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.tokens import MAKE, check_tokens

GOOD = "5f1d9a7c3e8b2046d1c95e7a80b3f264"
OTHER = "e8a04b7d2c6f19358d7be0a4c15f2936"
SERVER = "homelab_k3s_server_token"


def test_two_random_secrets_will_do() -> None:
    assert list(check_tokens(GOOD, OTHER)) == []


@pytest.mark.parametrize(
    ("token", "complaint"),
    [
        (None, f"is missing; {MAKE} and put it into group_vars/all/secrets.yml, as docs/inventory.md says"),
        ("", f"is missing; {MAKE} and put it into group_vars/all/secrets.yml, as docs/inventory.md says"),
        (GOOD[:31], f"has 31 characters, expected at least 32; {MAKE}"),
        ("changeme-" + GOOD, f"is a placeholder, expected a random secret; {MAKE}"),
        ("<paste the token here>".replace(" ", "-") * 2, f"is a placeholder, expected a random secret; {MAKE}"),
        ("ENC[AES256_GCM,data:" + GOOD + "]",
         "is still encrypted, expected its plain text; let Ansible decrypt it, as docs/inventory.md says"),
        ("0" * 64, f"is a placeholder, expected a random secret; {MAKE}"),
        ("K10" + "a" * 64 + "::" + "server:" + GOOD,
         f"contains '::' as the secure form does, expected the bare secret after its last colon; {MAKE}"),
        (GOOD + " ", f"contains white space, expected one word; {MAKE}"),
    ],
)  # fmt: skip
def test_a_token_that_will_not_do(token: str | None, complaint: str) -> None:
    assert list(check_tokens(token, OTHER)) == [f"{SERVER} {complaint}"]
    assert list(check_tokens(OTHER, token)) == [f"homelab_k3s_agent_token {complaint}"]


def test_workers_get_another_token_than_servers() -> None:
    assert list(check_tokens(GOOD, GOOD)) == [
        f"homelab_k3s_agent_token is the same as {SERVER}, which makes its holder administrator of the cluster; {MAKE}"
    ]


@pytest.mark.parametrize("token", ["hunter2", "zxcvbnmzxcvbnmzxcvbnm::qwertyuiop", "Zq changeme Zq"])
def test_no_sentence_repeats_a_token(token: str) -> None:
    found = " ".join(check_tokens(token, token))
    assert found
    assert token not in found
