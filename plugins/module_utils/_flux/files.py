# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: keys and tokens in files of the controller; their contents go into Secrets only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .._age import identities_of, pyrage
from .._command import CommandRunner
from .git import Access

GUIDE = "docs/gitops.md"
# the last for tests without a server
SCHEMES = ("ssh://", "https://", "http://", "file://")


@dataclass(frozen=True)
class Keys:
    """What the Secrets are to hold, and why they cannot; None where nothing is given."""

    credentials: dict[str, str] | None
    age: str | None
    identities: int
    problems: tuple[str, ...]


def read_keys(access: Access, identity: str, run: CommandRunner) -> Keys:
    """All of them; raises nothing for a file that is not there or not what it should be."""
    problems: list[str] = []
    if not access.url.startswith(SCHEMES):
        expected = "expected ssh://git@HOST/PATH or https://HOST/PATH as Flux reads it"
        problems.append(f"homelab_gitops_url is '{access.url}', {expected}; write it so")
        return Keys(None, None, 0, tuple(problems))
    credentials = _over_ssh(access, run, problems) if access.over_ssh else _over_https(access, problems)
    age, count = _age(identity, problems) if identity else (None, 0)
    return Keys(credentials, age, count, tuple(problems))


def _text(path: str, what: str, hint: str, problems: list[str]) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        problems.append(f"{what} {path} cannot be read ({reason}); {hint}")
        return None


def _over_ssh(access: Access, run: CommandRunner, problems: list[str]) -> dict[str, str] | None:
    if not access.deploy_key:
        problems.append(
            f"{access.url} needs a deploy key; name its file in homelab_gitops_deploy_key (ssh-keygen makes one)"
        )
        return None
    hint = f"make one ({GUIDE}), or correct homelab_gitops_deploy_key"
    private = _text(access.deploy_key, "the deploy key", hint, problems)
    if private is None:
        return None
    status, public, errors = run(["ssh-keygen", "-y", "-P", "", "-f", access.deploy_key])
    if status != 0:
        problems.append(_no_key(access.deploy_key, errors))
        return None
    known = "".join(f"{line}\n" for line in access.known_hosts)
    return {"identity": private.rstrip("\n") + "\n", "identity.pub": public.strip() + "\n", "known_hosts": known}


def _no_key(path: str, errors: str) -> str:
    if "passphrase" in errors:
        return f"the deploy key {path} has a passphrase, which nobody types; make one without ({GUIDE})"
    if "UNPROTECTED" in errors or "permissions" in errors.lower():
        return f"the deploy key {path} may be read by others than its owner, which ssh refuses; chmod 600 {path}"
    last = errors.strip().splitlines()[-1] if errors.strip() else "ssh-keygen printed nothing"
    return f"the deploy key {path} is no private key of SSH ({last}); make one ({GUIDE})"


def _over_https(access: Access, problems: list[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    if access.token:
        token = _text(access.token, "the token", "make one, or correct homelab_gitops_token", problems)
        if token is not None and not token.strip():
            problems.append(f"the token {access.token} is empty; make one that may read the repository")
        found |= {"username": access.username, "password": (token or "").strip()}
    if access.ca:
        found["ca.crt"] = _text(access.ca, "the CA", "export it in PEM, or correct homelab_gitops_ca", problems) or ""
    return found or None


def _age(path: str, problems: list[str]) -> tuple[str | None, int]:
    """The identities alone, without remarks."""
    escrow = (
        "without it the Secret sops-age cannot be made: restore it from its copy, or correct homelab_gitops_identity"
    )
    if _text(path, "the age key", escrow, problems) is None:
        return None, 0
    try:
        identities = identities_of(Path(path))
    except pyrage.IdentityError:
        problems.append(f"the age key {path} is damaged; {escrow}")
        return None, 0
    if not identities:
        problems.append(f"{path} holds no age key, expected a line AGE-SECRET-KEY-…; {escrow}")
        return None, 0
    return lines(identities), len(identities)


def lines(identities: Sequence[object]) -> str:
    """As age-keygen writes them."""
    return "".join(f"{identity}\n" for identity in identities)
