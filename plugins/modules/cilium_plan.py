#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cilium_plan
short_description: What brings the cluster's Cilium from what it is to what it should be
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Renders the values of Cilium's chart and the objects beside it in the APIs that the version speaks, and compares
    them with the cluster, without the program helm. Changes nothing; in check mode it reports what is to be done.
  - Where a HelmRelease of Flux owns Cilium, nothing is planned, and values that differ are named. Single objects that
    Flux owns are left to it.
  - Fails on a Cilium that would go back or leave out a minor version.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
requirements:
  - kubernetes (Python package)
options:
  kubeconfig:
    description: Kubeconfig file on the host that runs the module. In check mode it may not exist yet.
    type: path
    required: true
    version_added: 0.1.0
  version:
    description: Version of Cilium and its chart.
    type: str
    required: true
    version_added: 0.1.0
  gateway_api:
    description: Tag of the Gateway API whose definitions are installed.
    type: str
    required: true
    version_added: 0.1.0
  gateway_api_channel:
    description: Their channel.
    type: str
    choices: [standard, experimental]
    default: experimental
    version_added: 0.1.0
  api_host:
    description: Where each node's Cilium reaches the API; K3s' own load balancer answers on every node.
    type: str
    default: 127.0.0.1
    version_added: 0.1.0
  api_port:
    description: Its port.
    type: int
    default: 6444
    version_added: 0.1.0
  pod_cidr:
    description: The network of pods.
    type: str
    required: true
    version_added: 0.1.0
  nodes:
    description: How many nodes the cluster is to have; one gets one operator.
    type: int
    required: true
    version_added: 0.1.0
  devices:
    description: Interfaces that Cilium attaches to. Empty leaves the choice to Cilium.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  values:
    description: Values of the chart that are merged over ours.
    type: dict
    default: {}
    version_added: 0.1.0
  pool:
    description: Addresses of services, as networks or as V(first-last).
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  l2_interfaces:
    description: Names of the interfaces on which these addresses are announced to neighbours.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  bgp:
    description: The session of each labelled node with the router.
    type: dict
    version_added: 0.1.0
    suboptions:
      local_asn:
        description: AS number of the cluster.
        type: int
        required: true
        version_added: 0.1.0
      peer_asn:
        description: AS number of the router.
        type: int
        required: true
        version_added: 0.1.0
      peer_address:
        description: Address of the router.
        type: str
        required: true
        version_added: 0.1.0
      label:
        description: Label of the nodes that speak BGP.
        type: str
        default: bgp=enabled
        version_added: 0.1.0
      pods:
        description: Whether the networks of pods are announced too.
        type: bool
        default: false
        version_added: 0.1.0
  gateway:
    description: The Gateway.
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
        description: Its address, out of the pool.
        type: str
        required: true
        version_added: 0.1.0
      domain:
        description: The domain whose names are redirected to HTTPS.
        type: str
        required: true
        version_added: 0.1.0
      tls_secret:
        description: Secret with the certificate of the HTTPS listener. Empty makes neither listener nor redirect.
        type: str
        default: ""
        version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Compare
  fletcherlabs.homelab.cilium_plan:
    kubeconfig: ~/.kube/k3s-home.yaml
    version: 1.15.6
    gateway_api: v1.1.0
    pod_cidr: 10.42.0.0/16
    nodes: 5
    pool: [192.168.10.224/28]
    bgp: {local_asn: 64512, peer_asn: 64513, peer_address: 192.168.10.1}
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
actions:
  description: What is to be done, in this order.
  type: list
  elements: dict
  returned: success
  sample: [{kind: release, target: cilium, sentence: install cilium 1.15.6 in kube-system}]
notices:
  description: What is left to others or works in part, one sentence each.
  type: list
  elements: str
  returned: success
  sample: []
owner:
  description: V(ansible), or V(flux) where a HelmRelease owns Cilium.
  type: str
  returned: success
values:
  description: The values of the chart.
  type: dict
  returned: success
chart_sha256:
  description: Digest of the chart, empty where the collection does not know it.
  type: str
  returned: success
definitions:
  description: The files of Gateway API that are to be applied, with their digests.
  type: list
  elements: dict
  returned: success
forget:
  description: Secrets of revisions that never finished.
  type: list
  elements: str
  returned: success
release:
  description: Whether Helm has something to do.
  type: bool
  returned: success
objects:
  description: Objects that are to be applied.
  type: list
  elements: dict
  returned: success
remove:
  description: Objects that are to be removed.
  type: list
  elements: dict
  returned: success
needs:
  description: Names of Cilium's definitions that the objects need.
  type: list
  elements: str
  returned: success
problems:
  description: Why nothing is planned, one sentence each.
  type: list
  elements: str
  returned: failure
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.artefacts import CHARTS, definitions
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.model import NAMESPACE, Wish, wish_from
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.objects import (
    GATEWAY_GROUP,
    PEERING_POLICY,
    definitions_of,
    name_of,
    objects_for,
    path_of,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.plan import (
    Found,
    Plan,
    current,
    flux_releases,
    plan,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.release import releases_from
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.values import values_for
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import (
    KUBERNETES_PROBLEM,
    Cluster,
    ClusterError,
    Unreachable,
)

BGP = {
    "local_asn": {"type": "int", "required": True},
    "peer_asn": {"type": "int", "required": True},
    "peer_address": {"type": "str", "required": True},
    "label": {"type": "str", "default": "bgp=enabled"},
    "pods": {"type": "bool", "default": False},
}
GATEWAY = {
    "namespace": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "domain": {"type": "str", "required": True},
    "tls_secret": {"type": "str", "default": "", "no_log": False},
}
SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "version": {"type": "str", "required": True},
    "gateway_api": {"type": "str", "required": True},
    "gateway_api_channel": {"choices": ["standard", "experimental"], "default": "experimental"},
    "api_host": {"type": "str", "default": "127.0.0.1"},
    "api_port": {"type": "int", "default": 6444},
    "pod_cidr": {"type": "str", "required": True},
    "nodes": {"type": "int", "required": True},
    "devices": {"type": "list", "elements": "str", "default": []},
    "values": {"type": "dict", "default": {}},
    "pool": {"type": "list", "elements": "str", "default": []},
    "l2_interfaces": {"type": "list", "elements": "str", "default": []},
    "bgp": {"type": "dict", "options": BGP},
    "gateway": {"type": "dict", "options": GATEWAY},
}
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets?labelSelector=owner%3Dhelm%2Cname%3Dcilium"
HELM_RELEASES = "/apis/helm.toolkit.fluxcd.io/v2/helmreleases"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
POLICIES = "/apis/cilium.io/v2alpha1/ciliumbgppeeringpolicies"


def probe(cluster: Cluster, wish: Wish, kinds: list[str]) -> Found:
    """Helm's revisions, Flux's claims, definitions, objects and nodes."""
    objects = {name_of(item): cluster.find(path_of(item)) for item in objects_for(wish)}
    present = {kind: cluster.find(f"{DEFINITIONS}/{kind}.{GATEWAY_GROUP}") for kind in kinds}
    policies = (cluster.find(POLICIES) or {}).get("items", ())
    header = {"apiVersion": "cilium.io/v2alpha1", "kind": PEERING_POLICY}
    return Found(
        releases=tuple(releases_from(cluster.get(SECRETS)["items"])),
        flux=flux_releases((cluster.find(HELM_RELEASES) or {}).get("items", ())),
        definitions={kind: item for kind, item in present.items() if item},
        objects={name: item for name, item in objects.items() if item},
        policies=tuple({**item, **header} for item in policies),
        nodes={
            item["metadata"]["name"]: item["metadata"].get("labels") or {}
            for item in cluster.get("/api/v1/nodes")["items"]
        },
    )


def look(module: AnsibleModule, wish: Wish, kinds: list[str], rehearsal: bool) -> Found:
    """The cluster as it is; a rehearsal may come before there is one."""
    if rehearsal and not os.path.exists(module.params["kubeconfig"]):
        return Found()
    try:
        return probe(Cluster(module.params["kubeconfig"]), wish, kinds)
    except Unreachable as error:
        if not rehearsal:
            raise
        module.warn(f"{error}; this rehearsal takes Cilium as one that is still to come")
        return Found()


def difference(wish: Wish, found: Found, todo: Plan) -> dict[str, Any]:
    """Chart, values and objects before and after."""
    release = current(found)
    names = todo.targets("apply")
    before: dict[str, Any] = {name: found.objects.get(name, {}).get("spec") for name in names}
    after: dict[str, Any] = {name_of(item): item.get("spec") for item in todo.objects}
    if todo.targets("release"):
        before["cilium"] = {"version": release.chart, "values": dict(release.values)} if release else None
        after["cilium"] = {"version": wish.version, "values": values_for(wish)}
    return {"before": before, "after": after}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if KUBERNETES_PROBLEM:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_PROBLEM)
    rehearsal: bool = module.check_mode
    wish = wish_from(module.params)
    files = definitions(wish.gateway_api, wish.channel)
    kinds = [file["kind"] for file in files]
    try:
        found = look(module, wish, kinds, rehearsal)
        todo = plan(wish, found, kinds)
    except (ClusterError, ValueError) as error:
        module.fail_json(msg=str(error), problems=[str(error)])
    if todo.problems:
        module.fail_json(msg="Cilium is left as it is, since " + "; ".join(todo.problems), problems=list(todo.problems))
    module.exit_json(
        changed=rehearsal and bool(todo.actions),
        actions=[action.as_dict() for action in todo.actions],
        notices=list(todo.notices),
        owner=todo.owner,
        values=values_for(wish),
        chart_sha256=CHARTS.get(wish.version, ""),
        definitions=[file for file in files if file["kind"] in todo.targets("define")],
        forget=todo.targets("forget_revision"),
        release=bool(todo.targets("release")),
        objects=list(todo.objects),
        remove=list(todo.remove),
        needs=definitions_of(objects_for(wish)),
        diff=difference(wish, found, todo),
    )


if __name__ == "__main__":
    main()
