#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cilium_ready
short_description: Wait until Cilium works
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Waits for the pods of agents and operator, the nodes, the Gateway with its address and the BGP sessions, and says in
    one sentence each what is missing when the time is over.
  - A pool whose addresses are another pool's too ends the wait at once, for no waiting mends that.
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
  definitions:
    description: Names of definitions that have to be established.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  workloads:
    description: Whether all pods of agents and operator have to be ready.
    type: bool
    default: true
    version_added: 0.1.0
  nodes:
    description: Nodes that have to be Ready.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  gateway:
    description: The Gateway that has to be programmed.
    type: dict
    version_added: 0.1.0
    suboptions:
      namespace:
        description: Its namespace.
        type: str
        required: true
        version_added: 0.1.0
      name:
        description: Its name.
        type: str
        required: true
        version_added: 0.1.0
      address:
        description: The address it has to have.
        type: str
        required: true
        version_added: 0.1.0
  bgp:
    description: The sessions that have to be established. Cilium tells them in the API from 1.16 on.
    type: dict
    version_added: 0.1.0
    suboptions:
      nodes:
        description: Nodes that speak BGP.
        type: list
        elements: str
        required: true
        version_added: 0.1.0
      router:
        description: Address of the router. Where nothing answers at its port 179, sessions are not waited for.
        type: str
        required: true
        version_added: 0.1.0
      port:
        description: The port.
        type: int
        default: 179
        version_added: 0.1.0
      version:
        description: The API version of CiliumBGPNodeConfig; empty for a Cilium that has none.
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
- name: Wait for the Gateway
  fletcherlabs.homelab.cilium_ready:
    kubeconfig: ~/.kube/k3s-home.yaml
    nodes: [k3s-master1, k3s1]
    gateway: {namespace: networking, name: main-gateway, address: 192.168.10.224}
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
notices:
  description: What works in part, one sentence each.
  type: list
  elements: str
  returned: success
  sample: []
sessions:
  description: State of the BGP session of each node, where Cilium tells it.
  type: dict
  returned: success
  sample: {k3s1: established}
router_answers:
  description: Whether something answers at the router's port.
  type: bool
  returned: success
missing:
  description: What was still missing when the time was over, one part of a sentence each.
  type: list
  elements: str
  returned: failure
"""

import contextlib
import socket
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.model import NAMESPACE
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.objects import GATEWAY_GROUP
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.status import (
    Expected,
    Seen,
    conflicts,
    established,
    missing,
    notices,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import (
    KUBERNETES_PROBLEM,
    Cluster,
    ClusterError,
    Unreachable,
)

GATEWAY = {name: {"type": "str", "required": True} for name in ("namespace", "name", "address")}
BGP = {
    "nodes": {"type": "list", "elements": "str", "required": True},
    "router": {"type": "str", "required": True},
    "port": {"type": "int", "default": 179},
    "version": {"type": "str", "default": ""},
}
SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "definitions": {"type": "list", "elements": "str", "default": []},
    "workloads": {"type": "bool", "default": True},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "gateway": {"type": "dict", "options": GATEWAY},
    "bgp": {"type": "dict", "options": BGP},
    "timeout": {"type": "int", "default": 600},
}
POOLS = "ciliumloadbalancerippools"
POLL_SECONDS = 1.0
ROUTER_SECONDS = 2.0
WORKLOADS = {"DaemonSet": "daemonsets/cilium", "Deployment": "deployments/cilium-operator"}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def answers(address: str, port: int) -> bool:
    """Whether something listens there; a router hangs up on strangers, which is an answer too."""
    with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=ROUTER_SECONDS):
        return True
    return False


def look(cluster: Cluster, parameters: dict[str, Any]) -> Seen:
    """Everything once."""
    gateway, bgp = parameters["gateway"], parameters["bgp"]
    group = f"/apis/{GATEWAY_GROUP}/v1"
    definitions = {name: cluster.find(f"{DEFINITIONS}/{name}") for name in parameters["definitions"]}
    version = (bgp or {}).get("version")
    return Seen(
        nodes={item["metadata"]["name"]: item for item in cluster.get("/api/v1/nodes")["items"]},
        definitions={name: item for name, item in definitions.items() if item},
        workloads=tuple(workloads(cluster)) if parameters["workloads"] else (),
        gateway_class=cluster.find(f"{group}/gatewayclasses/cilium") if gateway else None,
        gateway=cluster.find(f"{group}/namespaces/{gateway['namespace']}/gateways/{gateway['name']}")
        if gateway
        else None,
        pools=items(cluster, "v2", POOLS) or items(cluster, "v2alpha1", POOLS),
        sessions=items(cluster, version, "ciliumbgpnodeconfigs") if version else (),
    )


def items(cluster: Cluster, version: str, plural: str) -> tuple[dict[str, Any], ...]:
    """Cilium's objects of a kind; none where this version of the API does not have it."""
    return tuple((cluster.find(f"/apis/cilium.io/{version}/{plural}") or {}).get("items", ()))


def workloads(cluster: Cluster) -> list[dict[str, Any]]:
    """Agents and operator; one that is absent counts as one without pods."""
    found = []
    for kind, path in WORKLOADS.items():
        item = cluster.find(f"/apis/apps/v1/namespaces/{NAMESPACE}/{path}")
        found.append({**(item or {"metadata": {"name": path.rpartition("/")[2]}}), "kind": kind})
    return found


def wait(cluster: Cluster, parameters: dict[str, Any], expected: Expected) -> tuple[Seen, list[str]]:
    """Look until nothing is missing, pools quarrel, or the time is over."""
    deadline = time.monotonic() + parameters["timeout"]
    while True:
        try:
            seen = look(cluster, parameters)
            lacking = missing(expected, seen)
            if conflicts(seen):
                raise ClusterError("; ".join(conflicts(seen)))
        except Unreachable as error:
            seen, lacking = Seen(), [str(error)]
        if not lacking or time.monotonic() > deadline:
            return seen, lacking
        time.sleep(POLL_SECONDS)


def expected_of(parameters: dict[str, Any], heard: bool) -> Expected:
    """What the options ask for; sessions only with a router that answers."""
    gateway, bgp = parameters["gateway"], parameters["bgp"]
    return Expected(
        tuple(parameters["nodes"]),
        tuple(parameters["definitions"]),
        (gateway["namespace"], gateway["name"], gateway["address"]) if gateway else None,
        sessions=tuple(bgp["nodes"]) if bgp and bgp["version"] and heard else None,
    )


def unheard(bgp: dict[str, Any] | None, heard: bool) -> list[str]:
    """Why BGP was not waited for."""
    if not bgp or not bgp["nodes"]:
        return []
    if not heard:
        place = f"{bgp['router']} port {bgp['port']}"
        return [f"nothing answers at {place}, so no BGP session was waited for; see docs/router.md"]
    return []


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if KUBERNETES_PROBLEM:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_PROBLEM)
    bgp = module.params["bgp"]
    heard = bool(bgp) and answers(bgp["router"], bgp["port"])
    try:
        cluster = Cluster(module.params["kubeconfig"])
        seen, lacking = wait(cluster, module.params, expected_of(module.params, heard))
    except ClusterError as error:
        module.fail_json(msg=str(error), missing=[str(error)])
    if lacking:
        limit = module.params["timeout"]
        module.fail_json(msg=f"after {limit} s Cilium is not up: {'; '.join(lacking)}", missing=lacking)
    said = [*notices(seen), *unheard(bgp, heard)]
    module.exit_json(changed=False, notices=said, sessions=established(seen.sessions), router_answers=heard)


if __name__ == "__main__":
    main()
