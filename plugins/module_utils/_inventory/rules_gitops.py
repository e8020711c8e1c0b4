# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what the values about the repository may not say together."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import GitopsWish, Inventory


def check_gitops(inventory: Inventory) -> Iterator[str]:
    """A repository over SSH needs a key and its host's keys, one over HTTPS no key."""
    wish = inventory.site.gitops_wish
    if wish.url.startswith("ssh://"):
        yield from _over_ssh(wish)
    elif wish.url and wish.deploy_key:
        yield (
            f"homelab_gitops_deploy_key: {wish.deploy_key} opens nothing over HTTPS; write homelab_gitops_url with "
            "ssh://, or take it out"
        )


def _over_ssh(wish: GitopsWish) -> Iterator[str]:
    if wish.token:
        yield f"homelab_gitops_token: {wish.token} opens nothing over SSH; write homelab_gitops_url with https://"
    if not wish.deploy_key:
        yield "homelab_gitops_deploy_key is missing, and homelab_gitops_url is one of SSH; name the private key's file"
    host = host_of(wish.url)
    names = {name for line in wish.known_hosts for name in line.split(" ")[0].split(",")}
    # a hashed line may be anybody's
    if host not in names and not any(name.startswith("|") for name in names):
        yield (
            f"homelab_gitops_known_hosts has no line for {host}, whose keys Flux has to know; write them as its owner "
            "publishes them"
        )


def host_of(url: str) -> str:
    """A host as known_hosts writes it."""
    parts = urlsplit(url)
    return f"[{parts.hostname}]:{parts.port}" if parts.port not in (None, 22) else str(parts.hostname)


def advise_gitops(inventory: Inventory) -> Iterator[str]:
    """sops-age lies in the datastore on the disk of each server (incident I-18)."""
    site = inventory.site
    if site.gitops_wish.url and site.gitops_wish.identity and not site.encrypts_secrets:
        yield (
            "homelab_secrets_encryption is off, so the age key of homelab_gitops_identity will lie readable in the "
            "datastore of the servers; switch it on before the layer gitops"
        )
