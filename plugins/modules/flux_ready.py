#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_ready
short_description: Wait until Flux has applied what Git has
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Waits for the controllers, the first source and the first Kustomization, by what each has observed and by the
    revision that it fetched or applied, and says in one sentence what is missing when the time is over.
  - An object that is suspended ends the wait at once, for no waiting mends that.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
requirements:
  - kubernetes (Python package)
options:
  kubeconfig:
    description: Kubeconfig file on the host that runs the module.
    type: path
    required: true
    version_added: 0.1.0
  controllers:
    description: Deployments in flux-system that have to be ready.
    type: list
    elements: str
    default: [source-controller, kustomize-controller]
    version_added: 0.1.0
  operator:
    description: Whether flux-operator keeps Flux, whose FluxInstance is then waited for too.
    type: bool
    default: false
    version_added: 0.1.0
  revision:
    description: What Git has, as C(BRANCH@sha1:COMMIT). Empty takes whatever Flux has fetched.
    type: str
    default: ""
    version_added: 0.1.0
  had:
    description: What Flux had fetched before; once it has another one, Git went on meanwhile.
    type: str
    default: ""
    version_added: 0.1.0
  timeout:
    description: How long to wait, in seconds.
    type: int
    default: 600
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Wait for Flux
  fletcherlabs.homelab.flux_ready:
    kubeconfig: ~/.kube/k3s-home.yaml
    revision: main@sha1:0123456789abcdef0123456789abcdef01234567
  delegate_to: localhost
"""

RETURN = r"""
revision:
  description: What Flux has applied.
  type: str
  returned: success
  sample: main@sha1:0123456789abcdef0123456789abcdef01234567
missing:
  description: What was still missing when the time was over, one part of a sentence each.
  type: list
  elements: str
  returned: failure
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import (
    KUBERNETES_PROBLEM,
    Cluster,
    ClusterError,
    Unreachable,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.cluster import DEPLOYMENTS
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.model import NAMESPACE, SYNC
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.objects import (
    INSTANCE,
    KUSTOMIZE,
    OPERATOR,
    SOURCE,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.plan import revision_of
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.ready import Expected, Seen, hopeless, missing

SPEC: dict[str, Any] = {
    "kubeconfig": {"type": "path", "required": True},
    "controllers": {"type": "list", "elements": "str", "default": ["source-controller", "kustomize-controller"]},
    "operator": {"type": "bool", "default": False},
    "revision": {"type": "str", "default": ""},
    "had": {"type": "str", "default": ""},
    "timeout": {"type": "int", "default": 600},
}
POLL_SECONDS = 1.0
SOURCES = f"/apis/{SOURCE}/namespaces/{NAMESPACE}/gitrepositories/{SYNC}"
INSTANCES = f"/apis/{OPERATOR}/namespaces/{NAMESPACE}/fluxinstances/{INSTANCE}"
LAYERS = f"/apis/{KUSTOMIZE}/namespaces/{NAMESPACE}/kustomizations/{SYNC}"


def look(cluster: Cluster, operator: bool) -> Seen:
    """Everything once."""
    deployments = (cluster.find(DEPLOYMENTS) or {}).get("items", ())
    instance = cluster.find(INSTANCES) if operator else None
    return Seen(tuple(deployments), cluster.find(SOURCES), cluster.find(LAYERS), instance)


def wait(cluster: Cluster, expected: Expected, seconds: int) -> tuple[Seen, list[str]]:
    """Look until nothing is missing, nothing can be hoped for, or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            seen = look(cluster, expected.operator)
            lacking = missing(expected, seen)
            if hopeless(seen):
                return seen, hopeless(seen)
        except Unreachable as error:
            seen, lacking = Seen(), [str(error)]
        if not lacking or time.monotonic() > deadline:
            return seen, lacking
        time.sleep(POLL_SECONDS)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if KUBERNETES_PROBLEM:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_PROBLEM)
    wanted = module.params
    expected = Expected(tuple(wanted["controllers"]), wanted["revision"], wanted["had"], wanted["operator"])
    try:
        seen, lacking = wait(Cluster(wanted["kubeconfig"]), expected, wanted["timeout"])
    except ClusterError as error:
        module.fail_json(msg=str(error), missing=[str(error)])
    if lacking:
        limit = f"after {wanted['timeout']} s " if not hopeless(seen) else ""
        module.fail_json(msg=f"{limit}Flux does not follow Git: {'; '.join(lacking)}", missing=lacking)
    module.exit_json(changed=False, revision=revision_of(seen.source))


if __name__ == "__main__":
    main()
