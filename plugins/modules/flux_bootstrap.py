#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_bootstrap
short_description: Have Flux in a cluster, with its keys and the repository that it follows
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Compares namespace, Secrets, controllers and sync objects with the cluster in one call, and applies what differs,
    server-side and through the API only, without the program flux and without the right to write to the repository.
  - What Git, flux-operator or Helm keeps is left to it, and named.
  - Fails before anything is applied where O(problems) are handed over, where Flux would go back or leave out a minor
    version, where objects lie in an API version that the wanted one no longer has, and where the cluster follows
    something else.
  - Values of Secrets are read from files here, and stand in no output, argument list or environment.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
  - fletcherlabs.homelab.flux_repository
requirements:
  - kubernetes, PyYAML and pyrage (Python packages)
  - ssh-keygen (program), for a repository over SSH
options:
  kubeconfig:
    description: Kubeconfig file on the host that runs the module. In check mode it may not exist yet.
    type: path
    required: true
    version_added: 0.1.0
  version:
    description: Version of Flux.
    type: str
    required: true
    version_added: 0.1.0
  components:
    description: The install.yaml of that version on this host. In check mode it may not be there yet.
    type: path
    version_added: 0.1.0
  controllers:
    description: Which of its controllers are wanted.
    type: list
    elements: str
    default: [source-controller, kustomize-controller, helm-controller, notification-controller]
    version_added: 0.1.0
  interval:
    description: How often Flux asks the repository.
    type: str
    default: 1m0s
    version_added: 0.1.0
  identity:
    description: File with the age identity for the Secret sops-age. Without it that Secret is left as it is.
    type: path
    version_added: 0.1.0
  operator:
    description:
      - Version of flux-operator, where that is to keep Flux. O(components) is then its install.yaml, and one
        FluxInstance takes the place of controllers and sync objects; a Flux that is there is taken over by it.
    type: str
    default: ""
    version_added: 0.1.0
  revision:
    description: The commit that the branch has; where Flux has an older one it is told to fetch.
    type: str
    default: ""
    version_added: 0.1.0
  committed:
    description: The version of Flux that the repository brings itself, if it does.
    type: str
    default: ""
    version_added: 0.1.0
  replace_sync:
    description: Whether a cluster that follows another repository, branch or path may be moved to this one.
    type: bool
    default: false
    version_added: 0.1.0
  commit_folder:
    description:
      - The folder flux-system in a checkout of the repository, where components and sync objects are written for the
        owner to commit, so that Git keeps Flux itself. A kustomization.yaml that is there stays as it is.
    type: path
    version_added: 0.1.0
  problems:
    description: What is known to be wrong already, so that all of it is told at once.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Have Flux
  fletcherlabs.homelab.flux_bootstrap:
    kubeconfig: ~/.kube/k3s-home.yaml
    version: 2.6.1
    components: ~/.cache/fletcherlabs.homelab/flux/v2.6.1/install.yaml
    url: ssh://git@github.com/example/flux-k3s
    deploy_key: ~/.config/fletcherlabs.homelab/deploy.key
    known_hosts: "{{ homelab_gitops_known_hosts }}"
    identity: ~/.config/sops/age/keys.txt
  delegate_to: localhost
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in this order.
  type: list
  elements: dict
  returned: success
  sample: [{kind: secret, target: Secret flux-system/sops-age, sentence: create Secret flux-system/sops-age}]
notices:
  description: What is left to others, one sentence each.
  type: list
  elements: str
  returned: success
  sample: []
had:
  description: The revision that Flux had fetched before.
  type: str
  returned: success
problems:
  description: Why nothing was applied, one sentence each.
  type: list
  elements: str
  returned: failure
"""

import os
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._age import PYRAGE_PROBLEM
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import (
    KUBERNETES_PROBLEM,
    Cluster,
    ClusterError,
    Unreachable,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import run_program
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.arguments import REPOSITORY, access_of
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.cluster import (
    apply,
    components_in,
    described,
    look,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.commit import (
    actions,
    differing,
    texts,
    write,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.files import Keys, read_keys
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.model import SYNC, Found, Plan, Wish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.plan import plan, revision_of
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gitops.read import YAML_PROBLEM

CONTROLLERS = ["source-controller", "kustomize-controller", "helm-controller", "notification-controller"]
SPEC: dict[str, Any] = {
    "kubeconfig": {"type": "path", "required": True},
    "version": {"type": "str", "required": True},
    "components": {"type": "path"},
    "controllers": {"type": "list", "elements": "str", "default": CONTROLLERS},
    **REPOSITORY,
    "interval": {"type": "str", "default": "1m0s"},
    "identity": {"type": "path"},
    "operator": {"type": "str", "default": ""},
    "revision": {"type": "str", "default": ""},
    "committed": {"type": "str", "default": ""},
    "replace_sync": {"type": "bool", "default": False},
    "commit_folder": {"type": "path"},
    "problems": {"type": "list", "elements": "str", "default": []},
}
LIBRARIES = (("kubernetes", KUBERNETES_PROBLEM), ("PyYAML", YAML_PROBLEM), ("pyrage", PYRAGE_PROBLEM))


def keys_of(wanted: dict[str, Any]) -> Keys:
    """What the Secrets are to hold."""
    return read_keys(access_of(wanted), wanted["identity"] or "", run_program)


def wish_of(wanted: dict[str, Any], keys: Keys, rehearsal: bool) -> Wish:
    """What the cluster is to have; raises OSError and ValueError for a file of components that cannot be used."""
    names = ("version", "url", "branch", "path", "interval", "revision", "committed", "replace_sync", "operator")
    file = wanted["components"] or ""
    # with problems there is no download, and nothing is applied
    absent = not os.path.exists(file) and (rehearsal or bool(wanted["problems"]))
    components = () if absent else components_in(file, wanted["controllers"], bool(wanted["operator"]))
    values = {name: wanted[name] for name in names} | {"credentials": keys.credentials, "age": keys.age}
    return Wish(**values, components=components, controllers=tuple(wanted["controllers"]))


def probe(module: AnsibleModule, wish: Wish, rehearsal: bool) -> tuple[Cluster | None, Found]:
    """The cluster as it is; a rehearsal may come before there is one."""
    if rehearsal and not os.path.exists(module.params["kubeconfig"]):
        return None, Found()
    try:
        cluster = Cluster(module.params["kubeconfig"])
        return cluster, look(cluster, wish)
    except Unreachable as error:
        if not rehearsal:
            raise
        module.warn(f"{error}; this rehearsal takes Flux as one that is still to come")
        return None, Found()


def refuse(module: AnsibleModule, problems: list[str]) -> None:
    """All of them, each once."""
    told = list(dict.fromkeys(problems))
    module.fail_json(msg="\n- ".join(["nothing has been applied, since", *told]), problems=told)


def carry_out(cluster: Cluster | None, todo: Plan, found: Found, folder: str | None, files: dict[str, str]) -> None:
    """Write and apply, with one stamp for all that is to look again."""
    if files:
        write(Path(folder or ""), files)
    if cluster is not None and todo.actions:
        apply(cluster, todo, found, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    for name, problem in LIBRARIES:
        if problem:
            module.fail_json(msg=missing_required_lib(name), exception=problem)
    rehearsal: bool = module.check_mode
    keys = keys_of(module.params)
    known = [*module.params["problems"], *keys.problems]
    try:
        wish = wish_of(module.params, keys, rehearsal)
        cluster, found = probe(module, wish, rehearsal)
        todo = plan(wish, found)
        if known or todo.problems:
            refuse(module, [*known, *todo.problems])
        folder = module.params["commit_folder"]
        files = differing(Path(folder), texts(wish)) if folder and wish.components and not wish.operator else {}
        if not rehearsal:
            carry_out(cluster, todo, found, folder, files)
    except (ClusterError, OSError, ValueError) as error:
        refuse(module, [*known, str(error)])
    steps = [*(actions(Path(folder), files) if folder else ()), *todo.actions]
    module.exit_json(
        changed=bool(steps),
        actions=[action.as_dict() for action in steps],
        notices=list(todo.notices),
        had=revision_of(found.objects.get(f"GitRepository {SYNC}/{SYNC}")),
        diff=described(todo, found),
    )


if __name__ == "__main__":
    main()
