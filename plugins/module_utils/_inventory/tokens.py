# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: whether the cluster's tokens will do. No sentence here repeats any part of a token."""

from __future__ import annotations

import re
from collections.abc import Iterator

LENGTH = 32
# Fewer kinds of characters than this come from a person holding a key down, not from a random source.
VARIETY = 8
MAKE = "make one with 'openssl rand -hex 32'"
_PLACEHOLDER = re.compile(r"(?i)change.?me|replace|example|placeholder|secret|password|your.?token|todo|[<>]")


def check_tokens(server: str | None, agent: str | None) -> Iterator[str]:
    """What is wrong with the server's token, the agents' token, and the pair."""
    yield from _check("homelab_k3s_server_token", server)
    yield from _check("homelab_k3s_agent_token", agent)
    if server and server == agent:
        yield (
            "homelab_k3s_agent_token is the same as homelab_k3s_server_token, which makes its holder administrator of "
            f"the cluster; {MAKE}"
        )


def _check(name: str, token: str | None) -> Iterator[str]:
    if not token:
        yield f"{name} is missing; {MAKE} and put it into group_vars/all/secrets.yml, as docs/inventory.md says"
    elif token.startswith(("ENC[", "$ANSIBLE_VAULT")):
        yield f"{name} is still encrypted, expected its plain text; let Ansible decrypt it, as docs/inventory.md says"
    elif "::" in token:
        # upstream K3s: the first server can only be given the short form
        yield f"{name} contains '::' as the secure form does, expected the bare secret after its last colon; {MAKE}"
    elif re.search(r"\s", token):
        yield f"{name} contains white space, expected one word; {MAKE}"
    elif _PLACEHOLDER.search(token) or len(set(token)) < VARIETY:
        yield f"{name} is a placeholder, expected a random secret; {MAKE}"
    elif len(token) < LENGTH:
        yield f"{name} has {len(token)} characters, expected at least {LENGTH}; {MAKE}"
