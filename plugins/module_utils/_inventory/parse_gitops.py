# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the parts of the inventory about the repository that Flux follows, typed."""

from __future__ import annotations

import re
from collections.abc import Callable

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import GitopsWish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.reader import Form, Reader

# What Flux's source-controller takes: no git@HOST:PATH, and no password in it.
URL = Form(
    "a repository's address as Flux takes it",
    re.compile(r"ssh://[^\s@:/]+@[^\s@:/]+(:\d+)?/\S+|https://[^\s@/]+/\S+"),
    "write ssh://git@HOST/PATH or https://HOST/PATH, without a password",
)
PASSWORD = re.compile(r"\w+://[^/@]*:[^/@]*@")
BRANCH = Form("a branch", re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*"), "write its name, e.g. main")
PATH = Form(
    "a folder of the repository",
    re.compile(r"(?!.*\.\.)[^\s/]\S*"),
    "write it from the top, e.g. clusters/k3s-home",
)
FILE = Form("a file", re.compile(r"(~?/.+)?"), "write it from / or ~/")
HOST_KEY = Form(
    "a line of known_hosts",
    re.compile(r"\S+ (ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+( .*)?"),
    "write HOST TYPE KEY as the host's owner publishes it",
)
NAMED = Form("a Secret's name", re.compile(r"([a-z0-9.-]+/)?[a-z0-9.-]+"), "write namespace/name")
FILES = ("checkout", "identity", "deploy_key", "token", "ca")


def parse_gitops(place: Callable[[str], Reader]) -> GitopsWish:
    """What rules ask about; everything else is only checked. `place` takes names without homelab_gitops_."""
    files = {name: place(name).text(FILE, required=False) or "" for name in FILES}
    place("path").text(PATH, required=False)
    place("branch").text(BRANCH, required=False)
    place("username").text(required=False)
    place("escrow_confirmed").flag()
    for entry in (*place("known_secrets").items(), *place("known_namespaces").items()):
        entry.text(NAMED)
    hosts = [line.text(HOST_KEY) for line in place("known_hosts").items()]
    return GitopsWish(
        _url(place("url")),
        tuple(line for line in hosts if line),
        files["deploy_key"],
        files["token"],
        files["identity"],
    )


def _url(place: Reader) -> str:
    """The address; one with a password is not repeated in a message."""
    if isinstance(place.value, str) and PASSWORD.match(place.value):
        place.complain(" has a password in it", "write it without, and name the token's file in homelab_gitops_token")
        return ""
    return place.text(URL, required=False) or ""
