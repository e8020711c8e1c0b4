#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: longhorn_info
short_description: Which Longhorn volumes would be lost with a node
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Reads volumes, replicas and disks of Longhorn through the API and changes nothing.
  - Fails when a volume's last healthy replica lies on the node, on a disk that does not survive what is to be done, and
    the volume is not named in O(accepted). Nothing has been touched then.
  - A cluster without Longhorn has nothing to lose.
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
  node:
    description: Name of the node.
    type: str
    required: true
    version_added: 0.1.0
  kept_paths:
    description: Folders whose disks survive, for instance C(/mnt); everything below counts.
    type: list
    elements: path
    default: []
    version_added: 0.1.0
  accepted:
    description: Volumes whose loss is accepted.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  if_unreachable:
    description: Whether to fail when the API does not answer, or to say so and report nothing.
    type: str
    choices: [fail, skip]
    default: fail
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Refuse to lose a volume
  fletcherlabs.homelab.longhorn_info:
    kubeconfig: ~/.kube/k3s-home.yaml
    node: k3s3
    kept_paths: [/mnt]
  delegate_to: localhost
"""

RETURN = r"""
installed:
  description: Whether the cluster has Longhorn; none when the API does not answer.
  type: bool
  returned: success
lost:
  description: Volumes whose last healthy replica would be gone, all of them accepted.
  type: list
  elements: str
  returned: success
  sample: []
away:
  description: Volumes that nobody can use until the node is back, and that lose nothing.
  type: list
  elements: str
  returned: success
  sample: [pvc-1]
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import (
    KUBERNETES_PROBLEM,
    Cluster,
    ClusterError,
    Unreachable,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._longhorn.losses import (
    Losses,
    disk_paths,
    losses,
    replica_from,
)

SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "node": {"type": "str", "required": True},
    "kept_paths": {"type": "list", "elements": "path", "default": []},
    "accepted": {"type": "list", "elements": "str", "default": []},
    "if_unreachable": {"choices": ["fail", "skip"], "default": "fail"},
}
BASE = "/apis/longhorn.io/v1beta2/namespaces/longhorn-system"


def probe(cluster: Cluster, node: str, kept: list[str]) -> Losses | None:
    """What depends on the node; None where there is no Longhorn."""
    found = cluster.find(f"{BASE}/replicas")
    if found is None:
        return None
    disks = disk_paths(cluster.get(f"{BASE}/nodes")["items"])
    return losses([replica_from(item, disks) for item in found["items"]], node, kept)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if KUBERNETES_PROBLEM:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_PROBLEM)
    wish = module.params
    try:
        found = probe(Cluster(wish["kubeconfig"]), wish["node"], wish["kept_paths"])
    except Unreachable as error:
        if wish["if_unreachable"] == "fail":
            module.fail_json(msg=f"{error}; what would be lost with {wish['node']} is not known: start a server first")
        module.exit_json(changed=False, installed=None, lost=[], away=[])
    except ClusterError as error:
        module.fail_json(msg=str(error))
    if found is None:
        module.exit_json(changed=False, installed=False, lost=[], away=[])
    refused = [volume for volume in found.lost if volume not in wish["accepted"]]
    if refused:
        module.fail_json(
            msg=f"the last healthy replica of {', '.join(refused)} lies on {wish['node']} and would be lost; let "
            f"Longhorn make another first, or accept the loss by name: accept_lost_volumes={','.join(found.lost)}"
        )
    module.exit_json(changed=False, installed=True, lost=list(found.lost), away=list(found.away))


if __name__ == "__main__":
    main()
