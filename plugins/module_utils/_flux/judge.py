# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: whether Flux may be given a repository and its keys; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .._gitops.model import Finding
from .git import Reply


@dataclass(frozen=True)
class Asked:
    """What the repository is to have, and what its owner has said."""

    url: str
    branch: str
    path: str
    identity: str = ""
    over_ssh: bool = True
    escrow_confirmed: bool = False
    # rules of docs/gitops.md whose findings stop everything
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What was found here and there."""

    # faults of files on this machine, one sentence each
    files: tuple[str, ...] = ()
    reply: Reply = field(default_factory=Reply)
    has_path: bool = False
    findings: tuple[Finding, ...] = ()
    # how many files are encrypted, and with how many identities the key file opens them
    encrypted: int = 0
    identities: int = 0
    # what gotk-sync.yaml in the repository follows, empty where there is none
    follows: str = ""


def problems(asked: Asked, seen: Seen) -> list[str]:
    """Everything that forbids to go on."""
    found = [*seen.files]
    if seen.reply.fault:
        return [*found, seen.reply.fault]
    if seen.files and not seen.reply.branches:
        return found
    if not seen.reply.revision:
        return [*found, _no_branch(asked, seen.reply.branches)]
    if not seen.has_path:
        return [
            *found,
            f"branch {asked.branch} has no folder {asked.path}, where Flux is to begin; commit it, or correct "
            "homelab_gitops_path",
        ]
    return [*found, *_keys(asked, seen), *_findings(asked, seen), *_committed(asked, seen)]


def _no_branch(asked: Asked, branches: Sequence[str]) -> str:
    there = f"has the branches {', '.join(branches[:5])}" if branches else "is empty"
    return f"{asked.url} {there}, expected {asked.branch}; push it, or correct homelab_gitops_branch"


def _keys(asked: Asked, seen: Seen) -> Iterator[str]:
    if seen.encrypted and not asked.identity:
        yield (
            f"{_files(seen.encrypted)} of the repository {_are(seen.encrypted)} encrypted, and no age key is given, so "
            "the Secret sops-age cannot be made; name its file in homelab_gitops_identity"
        )


def _findings(asked: Asked, seen: Seen) -> Iterator[str]:
    for finding in seen.findings:
        if finding.rule == "recipient":
            if not asked.escrow_confirmed:
                yield (
                    f"{finding.file}: {finding.message}; where a copy of the key lies elsewhere already, say so with "
                    "homelab_gitops_escrow_confirmed: true"
                )
        elif finding.rule in asked.refused:
            yield f"{finding.file}:{finding.line}: {finding.message}"


def _committed(asked: Asked, seen: Seen) -> Iterator[str]:
    if seen.follows and seen.follows != f"branch {asked.branch} of {asked.url.rstrip('/').removesuffix('.git')}":
        yield (
            f"{asked.path}/flux-system/gotk-sync.yaml follows {seen.follows}, expected branch {asked.branch} of "
            f"{asked.url}, and Flux would leave for there; correct one of them"
        )


def notices(asked: Asked, seen: Seen) -> list[str]:
    """What is worth a word, and stops nothing."""
    found = []
    if seen.reply.writable:
        what = "deploy key" if asked.over_ssh else "token"
        found.append(
            f"the {what} may write to the repository, and it lies in the cluster; Flux only reads, so take one that "
            "may not write"
        )
    if seen.identities > 1:
        found.append(f"{asked.identity} holds {seen.identities} age keys, and all of them go into the cluster")
    others = [each for each in seen.findings if each.rule != "recipient" and each.rule not in asked.refused]
    if others:
        found.append(
            f"the repository has {len(others)} more finding{'s' if len(others) > 1 else ''} "
            f"({', '.join(sorted({each.rule for each in others}))}); playbooks/check_gitops.yml names them"
        )
    if asked.escrow_confirmed and any(each.rule == "recipient" for each in seen.findings):
        found.append(
            "files are encrypted to one recipient alone, and somebody confirmed that a copy of its key lies elsewhere"
        )
    return found


def _files(count: int) -> str:
    return f"{count} file{'s' if count > 1 else ''}"


def _are(count: int) -> str:
    return "are" if count > 1 else "is"
