#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_repository
short_description: Ask a Git repository as Flux will, before Flux is given it
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Reads the branch with the very credentials and the very trust that go into the cluster, and none of the user's own
    (no agent, no configuration of git or ssh, no other known_hosts).
  - Then checks that commit as M(fletcherlabs.homelab.gitops_check) does; encrypted files are decrypted in memory.
  - Fails with nothing of this, so that all that forbids a bootstrap can be told together; it is in RV(problems).
  - Contents of keys and tokens are in no output, argument list or environment, and the checkout is removed again.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
  - fletcherlabs.homelab.flux_repository
requirements:
  - git and, for ssh, OpenSSH's ssh and ssh-keygen (programs)
  - PyYAML, pyrage and cryptography (Python packages)
options:
  identity:
    description: File with the age identity that decrypts the repository's Secrets.
    type: path
    version_added: 0.1.0
  escrow_confirmed:
    description: Somebody says that a copy of the age key lies elsewhere, so that one recipient is enough.
    type: bool
    default: false
    version_added: 0.1.0
  refused:
    description: Rules of M(fletcherlabs.homelab.gitops_check) whose findings are problems; others are only counted.
    type: list
    elements: str
    default: [build, clear, decrypt, decryption, yaml]
    version_added: 0.1.0
  kubernetes:
    description: Version of Kubernetes that the cluster runs.
    type: str
    required: true
    version_added: 0.1.0
  flux:
    description: Version of Flux.
    type: str
    required: true
    version_added: 0.1.0
  known_secrets:
    description: Secrets that somebody else makes, as C(namespace/name).
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  known_namespaces:
    description: Namespaces that somebody else makes.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Ask the repository
  fletcherlabs.homelab.flux_repository:
    url: ssh://git@github.com/example/flux-k3s
    deploy_key: ~/.config/fletcherlabs.homelab/deploy.key
    known_hosts: "{{ homelab_gitops_known_hosts }}"
    identity: ~/.config/sops/age/keys.txt
    kubernetes: v1.32.5+k3s1
    flux: 2.6.1
  delegate_to: localhost
"""

RETURN = r"""
problems:
  description: What forbids to give Flux this repository, one sentence each.
  type: list
  elements: str
  returned: success
  sample: []
notices:
  description: What is worth a word, one sentence each.
  type: list
  elements: str
  returned: success
  sample: []
revision:
  description: The newest commit of the branch; empty where it could not be read.
  type: str
  returned: success
committed:
  description: The version of Flux whose controllers the repository brings itself; empty where it does not.
  type: str
  returned: success
encrypted:
  description: How many files are encrypted.
  type: int
  returned: success
writable:
  description: Whether these credentials may write.
  type: bool
  returned: when the branch could be read
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._age import PYRAGE_PROBLEM, identities_of, unwrapper
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import run_program
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.arguments import REPOSITORY, access_of
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.files import Keys, read_keys
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.git import Access, Reply, ask
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.judge import Asked, Seen, notices, problems
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.objects import clean
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.repository import committed, findings, run_git
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gitops.check import Wish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gitops.read import YAML_PROBLEM

LIST: dict[str, Any] = {"type": "list", "elements": "str", "default": []}
SPEC: dict[str, Any] = {
    **REPOSITORY,
    "identity": {"type": "path"},
    "escrow_confirmed": {"type": "bool", "default": False},
    "refused": {**LIST, "default": ["build", "clear", "decrypt", "decryption", "yaml"]},
    "kubernetes": {"type": "str", "required": True},
    "flux": {"type": "str", "required": True},
    "known_secrets": {**LIST, "no_log": False},
    "known_namespaces": LIST,
}


def look(wanted: dict[str, Any], access: Access, keys: Keys, folder: Path) -> tuple[Seen, str]:
    """Ask the repository, and look at what it gave; also the version of Flux that it brings itself."""
    usable = keys.credentials is not None or not (keys.problems or access.over_ssh)
    reply = ask(run_git, access, wanted["branch"], folder, os.environ) if usable else Reply()
    root, path = reply.checkout, clean(wanted["path"])
    if root is None or not (root / path).is_dir():
        return Seen(keys.problems, reply, identities=keys.identities), ""
    wish = Wish(path, wanted["kubernetes"], wanted["flux"], wanted["known_secrets"], wanted["known_namespaces"])
    found, encrypted = findings(root, wish, opener(wanted, keys), run_program)
    version, follows = committed(root, path)
    return Seen(keys.problems, reply, True, found, encrypted, keys.identities, follows), version


def opener(wanted: dict[str, Any], keys: Keys) -> Callable[[str], bytes | None] | None:
    """What opens a data key, where there is an age key."""
    return unwrapper(identities_of(Path(wanted["identity"]))) if keys.age is not None else None


def main() -> None:
    module = AnsibleModule(SPEC, supports_check_mode=True)
    wanted = module.params
    for name, problem in (("PyYAML", YAML_PROBLEM), ("pyrage", PYRAGE_PROBLEM)):
        if problem:
            module.fail_json(msg=missing_required_lib(name), exception=problem)
    access = access_of(wanted)
    keys = read_keys(access, wanted["identity"] or "", run_program)
    asked = Asked(
        wanted["url"], wanted["branch"], clean(wanted["path"]), wanted["identity"] or "",
        access.over_ssh, wanted["escrow_confirmed"], tuple(wanted["refused"]),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="flux-repository-") as folder:
        seen, version = look(wanted, access, keys, Path(folder))
    module.exit_json(
        changed=False,
        problems=problems(asked, seen),
        notices=notices(asked, seen),
        revision=seen.reply.revision,
        committed=version,
        encrypted=seen.encrypted,
        writable=seen.reply.writable,
    )


if __name__ == "__main__":
    main()
