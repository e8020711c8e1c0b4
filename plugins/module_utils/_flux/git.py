# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: ask a Git repository with the very credentials that Flux gets, and name what is wrong."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# argument list, environment -> exit status, standard output, standard error
GitRunner = Callable[[Sequence[str], Mapping[str, str]], "tuple[int, str, str]"]

CONNECT_SECONDS = 10
# a branch that nobody has: the push is a rehearsal, and says whether it would be let in
PROBE = "refs/heads/homelab-asks-whether-it-may-write"
# As Flux's own client of SSH prefers them, whatever known_hosts has: with a line of another type alone it would refuse.
ORDER = "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-256,rsa-sha2-512,ssh-ed25519"
SSH = (
    "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
    "-o", "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=/dev/null", "-o", "UpdateHostKeys=no",
    "-o", "PreferredAuthentications=publickey", "-o", f"ConnectTimeout={CONNECT_SECONDS}",
    "-o", f"HostKeyAlgorithms={ORDER}",
)  # fmt: skip
HELPER = '!f() {{ test "$1" = get && printf \'username=%s\\npassword=%s\\n\' {username} "$(cat {token})"; }}; f'


@dataclass(frozen=True)
class Access:
    """Where the repository is, and the files on this machine that open it; empty where there is none."""

    url: str
    deploy_key: str = ""
    known_hosts: tuple[str, ...] = ()
    username: str = ""
    token: str = ""
    ca: str = ""

    @property
    def over_ssh(self) -> bool:
        """Whether a key opens it, and not a token."""
        return self.url.startswith("ssh://")

    @property
    def host(self) -> str:
        """As known_hosts writes it."""
        parts = urlsplit(self.url)
        name = parts.hostname or parts.path
        return f"[{name}]:{parts.port}" if self.over_ssh and parts.port not in (None, 22) else name


@dataclass(frozen=True)
class Reply:
    """What the repository said."""

    fault: str = ""
    branches: tuple[str, ...] = ()
    # the commit that was fetched, and where it lies
    revision: str = ""
    checkout: Path | None = None
    writable: bool | None = None


def environment(access: Access, folder: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Only these credentials and this trust, none of the user's own; files of the way to it go into folder."""
    kept = {key: value for key, value in inherited.items() if not key.startswith(("GIT_", "SSH_"))}
    settings = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    if access.over_ssh:
        hosts = folder / "known_hosts"
        hosts.write_text("".join(f"{line}\n" for line in access.known_hosts))
        argv = ["ssh", *SSH, "-o", f"UserKnownHostsFile={hosts}", "-i", access.deploy_key]
        settings["GIT_SSH_COMMAND"] = shlex.join(argv)
    elif access.token:
        helper = HELPER.format(username=shlex.quote(access.username), token=shlex.quote(access.token))
        settings |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "credential.helper", "GIT_CONFIG_VALUE_0": helper}
    if access.ca:
        settings["GIT_SSL_CAINFO"] = access.ca
    return kept | settings


def ask(run: GitRunner, access: Access, branch: str, folder: Path, inherited: Mapping[str, str]) -> Reply:
    """The branches, the newest commit of one with its files, and whether these credentials could write."""
    variables = environment(access, folder, inherited)
    status, output, errors = run(["git", "ls-remote", "--heads", "--", access.url], variables)
    if status != 0:
        return Reply(fault(access, errors))
    branches = tuple(sorted(re.findall(r"\trefs/heads/(\S+)", output)))
    if branch not in branches:
        return Reply(branches=branches)
    checkout = folder / "checkout"
    options = ["--quiet", "--depth=1", "--single-branch", "--no-tags", "--branch", branch]
    status, _output, errors = run(["git", "clone", *options, "--", access.url, str(checkout)], variables)
    if status != 0:
        return Reply(fault(access, errors), branches)
    inside = ["git", "-C", str(checkout)]
    revision = run([*inside, "rev-parse", "HEAD"], variables)[1].strip()
    refused = run([*inside, "push", "--quiet", "--dry-run", "origin", f"HEAD:{PROBE}"], variables)[0] != 0
    return Reply("", branches, revision, checkout, not refused)


SSH_FAULTS = (
    (
        r"No \S+ host key is known",
        "homelab_gitops_known_hosts has no such line for {host} ({last}); Flux takes keys of ECDSA before RSA before "
        "Ed25519, so write every line that its owner publishes",
    ),
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed",
        "{host} shows a host key that homelab_gitops_known_hosts does not have: it was changed, or somebody else "
        "answers; compare with what its owner publishes, and only then write it there",
    ),
    (
        r"UNPROTECTED PRIVATE KEY|bad permissions",
        "{key} may be read by others than its owner, which ssh refuses; chmod 600 {key}",
    ),
    (
        r"Permission denied",
        "{host} does not take the deploy key {key}; add its public half to the repository's deploy keys, for reading, "
        "or correct homelab_gitops_deploy_key",
    ),
    (
        r"Could not resolve|Connection (?:refused|timed out|reset|closed)|No route to host|unreachable|timed out",
        "{host} cannot be reached ({last}); look at the network, or correct homelab_gitops_url",
    ),
    (
        r"not found|does not exist|not appear to be a git repository|access rights",
        "{host} has no repository {url} that this deploy key may read; correct homelab_gitops_url, or add it there",
    ),
)
HTTPS_FAULTS = (
    (
        r"certificate",
        "the certificate of {host} is not of a CA that is trusted ({last}); name the CA's file in homelab_gitops_ca",
    ),
    (
        r"Authentication failed|could not read (?:Username|Password)|error: 40[13]",
        "{host} does not take the user name with the token of {token}; make a token that may read the repository, or "
        "correct homelab_gitops_token",
    ),
    (
        r"Could(?:n't| not) (?:resolve|connect)|Failed to connect|Connection (?:refused|timed out|reset)|timed out",
        "{host} cannot be reached ({last}); look at the network, or correct homelab_gitops_url",
    ),
    (r"not found|error: 404", "{host} has no repository {url} that may be read so; correct homelab_gitops_url"),
)


def fault(access: Access, errors: str) -> str:
    """One sentence for what git printed: what was found, and what to do."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    known = SSH_FAULTS if access.over_ssh else HTTPS_FAULTS
    words = {"host": access.host, "url": access.url, "key": access.deploy_key, "token": access.token or "no file"}
    for pattern, sentence in known:
        said = next((line for line in lines if re.search(pattern, line)), None)
        if said is not None:
            return sentence.format(last=said.removeprefix("fatal: ").rstrip("."), **words)
    last = lines[-1] if lines else "git printed nothing"
    return f"git cannot read {access.url}: {last}; try 'git ls-remote {access.url}' by hand"
