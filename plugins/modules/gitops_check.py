#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gitops_check
short_description: Find what would fail in a repository for Flux, before Flux is given it
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Reads a checkout on the controller, offline, and changes nothing.
  - Follows the Kustomizations of Flux from one path on, and says of each thing that would fail, by file and line, what
    it is and what to do.
  - Secrets are decrypted in memory only, to verify them; no value is kept or shown.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
requirements:
  - PyYAML (Python package)
  - pyrage and cryptography (Python packages), where O(identity) is given
  - kustomize or kubectl (program), where O(build=true)
options:
  checkout:
    description: The folder of the checkout.
    type: path
    required: true
    version_added: 0.1.0
  path:
    description: The path in the repository that Flux is bootstrapped with.
    type: str
    default: clusters/k3s-home
    version_added: 0.1.0
  identity:
    description:
      - File with the age identity that decrypts the repository's Secrets.
      - Without it nothing is decrypted; everything else is checked all the same.
    type: path
    version_added: 0.1.0
  build:
    description: Have kustomize build the path of each Kustomization, as Flux does.
    type: bool
    default: true
    version_added: 0.1.0
  kubernetes:
    description: Version of Kubernetes that the cluster runs, for example C(1.32).
    type: str
    required: true
    version_added: 0.1.0
  flux:
    description: Version of Flux, for example C(2.6.1).
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
  fail:
    description: Fail where anything is found.
    type: bool
    default: true
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Check the repository before Flux sees it
  fletcherlabs.homelab.gitops_check:
    checkout: ~/src/flux-k3s
    path: clusters/k3s-home
    identity: ~/.config/sops/age/keys.txt
    kubernetes: "1.32"
    flux: 2.6.1
  delegate_to: localhost
"""

RETURN = r"""
findings:
  description: What is wrong, in the order of files.
  type: list
  elements: dict
  returned: always
  sample:
    - file: clusters/k3s-home/apps/auth/secret.yaml
      line: 1
      rule: decryption
      message: >-
        it is encrypted, and the Kustomization apps that applies it does not decrypt (the setting is not inherited); add
        spec.decryption with provider: sops and the Secret sops-age
lines:
  description: The same as C(file:line:) and a sentence.
  type: list
  elements: str
  returned: always
kustomizations:
  description: How many Kustomizations of Flux were followed.
  type: int
  returned: always
objects:
  description: How many objects they apply.
  type: int
  returned: always
left_out:
  description: What was not checked, and why.
  type: list
  elements: str
  returned: always
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._age import (
    PYRAGE_PROBLEM,
    identities_of,
    pyrage,
    unwrapper,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import run_program
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gitops.check import Wish, builder, check
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gitops.read import YAML_PROBLEM

SPEC: dict[str, Any] = {
    "checkout": {"type": "path", "required": True},
    "path": {"type": "str", "default": "clusters/k3s-home"},
    "identity": {"type": "path"},
    "build": {"type": "bool", "default": True},
    "kubernetes": {"type": "str", "required": True},
    "flux": {"type": "str", "required": True},
    "known_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "known_namespaces": {"type": "list", "elements": "str", "default": []},
    "fail": {"type": "bool", "default": True},
}


def key_opener(identity: Path) -> Callable[[str], bytes | None]:
    """What opens a data key that was encrypted to this identity."""
    identities = identities_of(identity)
    if not identities:
        raise ValueError(f"{identity} holds no age identity, expected a line AGE-SECRET-KEY-…; age-keygen makes one")
    return unwrapper(identities)


def left_out(build: bool, built: bool, identity: str | None) -> list[str]:
    """What was not looked at."""
    reasons = []
    if build and not built:
        reasons.append("no path was built: neither kustomize nor kubectl is installed here")
    if not identity:
        reasons.append("no Secret was decrypted: no age identity was given")
    return reasons


def main() -> None:
    module = AnsibleModule(SPEC, supports_check_mode=True)
    wanted = module.params
    for name, problem in (("PyYAML", YAML_PROBLEM), ("pyrage", PYRAGE_PROBLEM if wanted["identity"] else "")):
        if problem:
            module.fail_json(msg=missing_required_lib(name), exception=problem)
    root = Path(wanted["checkout"])
    if not root.is_dir():
        module.fail_json(
            msg=f"{root} is no folder, expected a checkout of the repository; clone it there, or correct checkout"
        )
    try:
        unwrap = key_opener(Path(wanted["identity"])) if wanted["identity"] else None
    except (OSError, ValueError, pyrage.IdentityError) as error:
        module.fail_json(msg=f"the age identity {wanted['identity']} cannot be used: {error}")
    build = builder(root, run_program) if wanted["build"] else None
    wish = Wish(
        wanted["path"], wanted["kubernetes"], wanted["flux"], wanted["known_secrets"], wanted["known_namespaces"]
    )
    tree, findings = check(root, wish, unwrap, build)
    lines = [f"{finding.file}:{finding.line}: {finding.message}" for finding in findings]
    result: dict[str, Any] = {
        "findings": [vars(finding) for finding in findings],
        "lines": lines,
        "kustomizations": len(tree.layers),
        "objects": len(tree.placed),
        "left_out": left_out(wanted["build"], build is not None, wanted["identity"]),
    }
    if findings and wanted["fail"]:
        module.fail_json(msg=f"{len(findings)} findings in {root}:\n" + "\n".join(lines), **result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
