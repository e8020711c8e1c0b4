#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_removal
short_description: Delete a node's object for good, unless the cluster cannot do without the node
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Deletes the Node object and waits until it is gone, together with the Secret that holds the node's password, which
    K3s removes by itself. On a server K3s takes the member out of etcd first.
  - Refuses the last server, the last one that is Ready, and a server whose removal etcd would not survive or could not
    agree on. Nothing has been touched then.
  - A node that the cluster does not know is done.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
requirements:
  - kubernetes (Python package)
options:
  kubeconfig:
    description: Kubeconfig file on the host that runs the module.
    type: path
    required: true
    version_added: 0.1.0
  node:
    description: Name of the node.
    type: str
    required: true
    version_added: 0.1.0
  timeout:
    description: How long the object may take to go, in seconds.
    type: int
    default: 120
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Delete the node
  fletcherlabs.homelab.node_removal:
    kubeconfig: ~/.kube/k3s-home.yaml
    node: k3s1
  delegate_to: localhost
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  type: list
  elements: dict
  returned: success
  sample:
    - kind: delete_node
      target: k3s1
      sentence: delete the Node object k3s1, and with it its password in the cluster
reasons:
  description: Why nothing was done, one sentence each.
  type: list
  elements: str
  returned: failure
"""

import time

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import (
    KUBERNETES_PROBLEM,
    Cluster,
    ClusterError,
    Refusal,
    Unreachable,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._removal.plan import RemovalError, node_from, plan

SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "node": {"type": "str", "required": True},
    "timeout": {"type": "int", "default": 120},
}
POLL_SECONDS = 1.0


def delete(cluster: Cluster, name: str, timeout: int) -> None:
    """Delete the object and wait until nothing of it is left; raise ClusterError with what still is."""
    path = f"/api/v1/nodes/{name}"
    try:
        cluster.request("DELETE", path)
    except Refusal as error:
        if error.status != 404:
            raise
    secret = f"/api/v1/namespaces/kube-system/secrets/{name.lower()}.node-password.k3s"
    deadline, left = time.monotonic() + timeout, [path]
    while left:
        try:
            left, seen = [each for each in (path, secret) if cluster.find(each) is not None], "were still there"
        except Unreachable as error:
            # the server that was asked may be the one that goes
            seen = f"could not be looked for ({error})"
        if left and time.monotonic() > deadline:
            raise ClusterError(
                f"{' and '.join(left)} {seen} after {timeout} s, expected K3s to remove them; "
                "look with kubectl get --output=yaml, at another server if this one does not answer, then run again"
            )
        time.sleep(POLL_SECONDS if left else 0)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if KUBERNETES_PROBLEM:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_PROBLEM)
    name = module.params["node"]
    try:
        cluster = Cluster(module.params["kubeconfig"])
        actions = plan(name, [node_from(item) for item in cluster.get("/api/v1/nodes")["items"]])
        if actions and not module.check_mode:
            delete(cluster, name, module.params["timeout"])
    except RemovalError as error:
        module.fail_json(msg=str(error), reasons=error.reasons)
    except ClusterError as error:
        module.fail_json(msg=f"{name}: {error}")
    module.exit_json(
        changed=bool(actions),
        actions=[action.as_dict() for action in actions],
        diff={"before": f"{name}\n" if actions else "", "after": ""},
    )


if __name__ == "__main__":
    main()
