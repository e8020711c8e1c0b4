#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: longhorn_disks
short_description: Tell Longhorn which disks its nodes have, before it sees a node and after
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Longhorn takes the disks of a node from a label and an annotation of the Node object, once, when it first sees the
    node. This module sets both, for all nodes in one call, and keeps them right for the day a node is made anew.
  - Where Longhorn has seen a node already, its own Node object is brought in step by a merge patch. Whether a disk that
    is there takes replicas, and whether it is being evicted, is left as the operator set it.
  - A disk that the inventory names no more is removed only when it has no replica, its scheduling is disabled and its
    eviction is requested. Any other is kept and named in RV(kept).
  - Nothing is changed on any node while a wanted directory is used by another storage system too (a PersistentVolume of
    kind C(local) or C(hostPath) there), or while Longhorn has a disk of the same name elsewhere.
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
  nodes:
    description: The nodes, all those whose disks the inventory decides.
    type: list
    elements: dict
    required: true
    version_added: 0.1.0
    suboptions:
      name:
        description: Name of the node.
        type: str
        required: true
        version_added: 0.1.0
      disks:
        description: Its disks.
        type: list
        elements: dict
        default: []
        version_added: 0.1.0
        suboptions:
          name:
            description: Name of the disk in Longhorn.
            type: str
            required: true
            version_added: 0.1.0
          path:
            description: Its directory, a mount point or a directory of the root disk.
            type: path
            required: true
            version_added: 0.1.0
          tags:
            description: Tags that storage classes choose disks by.
            type: list
            elements: str
            default: []
            version_added: 0.1.0
          reserved:
            description: Bytes that Longhorn leaves free.
            type: int
            required: true
            version_added: 0.1.0
      absent:
        description: Directories whose disk is out of the machine just now. Longhorn's disks there are left as they are.
        type: list
        elements: path
        default: []
        version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Announce the disks of the storage worker
  fletcherlabs.homelab.longhorn_disks:
    kubeconfig: ~/.kube/k3s-home.yaml
    nodes:
      - name: k3s3
        disks:
          - {name: optane-1, path: /mnt/optane-1, tags: [optane], reserved: 5368709120}
          - {name: optane-2, path: /mnt/optane-2, tags: [optane], reserved: 5368709120}
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  type: list
  elements: dict
  returned: success
  sample: [{kind: label_node, target: k3s3, sentence: "k3s3: announce optane-1 at /mnt/optane-1 to Longhorn"}]
kept:
  description: Disks of Longhorn that the inventory does not name and that are left as they are, one sentence each.
  type: list
  elements: str
  returned: success
  sample: []
installed:
  description: Whether the cluster has Longhorn.
  type: bool
  returned: success
notices:
  description: What is wrong with Longhorn's own settings, one sentence each.
  type: list
  elements: str
  returned: success
  sample: []
problems:
  description: Why nothing was changed, one sentence each.
  type: list
  elements: str
  returned: failure
"""

import os
import time
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import (
    KUBERNETES_PROBLEM,
    Cluster,
    ClusterError,
    Refusal,
    Unreachable,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._longhorn.convert import (
    found_from,
    patch_for,
    volume_from,
    wanted_from,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._longhorn.disks import (
    Action,
    FoundNode,
    LocalVolume,
    Plan,
    WantedNode,
    difference,
    plan,
    to_come,
)

DISK = {
    "name": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
    "tags": {"type": "list", "elements": "str", "default": []},
    "reserved": {"type": "int", "required": True},
}
NODE = {
    "name": {"type": "str", "required": True},
    "disks": {"type": "list", "elements": "dict", "default": [], "options": DISK},
    "absent": {"type": "list", "elements": "path", "default": []},
}
SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "nodes": {"type": "list", "elements": "dict", "required": True, "options": NODE},
}
LONGHORN = "/apis/longhorn.io/v1beta2/namespaces/longhorn-system"
DRIVER = "driver.longhorn.io"
TRIES = 5
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Snapshot:
    """What the cluster says."""

    nodes: dict[str, FoundNode] = field(default_factory=dict)
    volumes: tuple[LocalVolume, ...] = ()
    installed: bool = False
    notices: tuple[str, ...] = ()


def probe(cluster: Cluster) -> Snapshot:
    """Nodes, Longhorn's nodes and replicas, and volumes that are directories of nodes."""
    longhorn = cluster.find(f"{LONGHORN}/nodes")
    replicas = cluster.find(f"{LONGHORN}/replicas") if longhorn is not None else None
    own = {item["metadata"]["name"]: item for item in (longhorn or {}).get("items", ())}
    nodes = [
        found_from(item, own.get(item["metadata"]["name"]), (replicas or {}).get("items", ()))
        for item in cluster.get("/api/v1/nodes")["items"]
    ]
    volumes = map(volume_from, cluster.get("/api/v1/persistentvolumes")["items"])
    notices = settings_notices(cluster, sorted(own)) if longhorn is not None else []
    return Snapshot(
        {node.name: node for node in nodes},
        tuple(volume for volume in volumes if volume),
        longhorn is not None,
        tuple(notices),
    )


def settings_notices(cluster: Cluster, nodes: list[str]) -> list[str]:
    """What would undo the work: disks that Longhorn makes by itself, and a driver that the kubelet does not know."""
    notices = []
    setting = cluster.find(f"{LONGHORN}/settings/create-default-disk-labeled-nodes")
    value = (setting or {}).get("value", "not set")
    if value != "true":
        notices.append(
            f"Longhorn's setting create-default-disk-labeled-nodes is {value}, expected true, so it makes a disk of "
            "its data path on every new node; set defaultSettings.createDefaultDiskLabeledNodes in its chart"
        )
    found = cluster.find("/apis/storage.k8s.io/v1/csinodes") or {}
    drivers = {
        item["metadata"]["name"]: [each["name"] for each in item.get("spec", {}).get("drivers") or ()]
        for item in found.get("items", ())
    }
    missing = [node for node in nodes if DRIVER not in drivers.get(node, [])]
    if missing:
        notices.append(
            f"{DRIVER} is not registered with the kubelet of {', '.join(missing)}, expected on every node of Longhorn; "
            "leave csi.kubeletRootDir of its chart empty, and look at the pods longhorn-csi-plugin"
        )
    return notices


def path_of(action: Action) -> str:
    return f"{LONGHORN}/nodes/{action.node}" if action.kind == "patch_disks" else f"/api/v1/nodes/{action.node}"


def apply(cluster: Cluster, wanted: list[WantedNode], snapshot: Snapshot, todo: Plan) -> None:
    """Carry out the plan; planned again from a fresh look where somebody else changed a node or the API was busy."""
    last = ""
    for attempt in range(TRIES):
        sentence = ""
        try:
            if attempt:
                time.sleep(POLL_SECONDS * attempt)
                snapshot = probe(cluster)
                todo = plan(wanted, snapshot.nodes, snapshot.volumes)
            if todo.problems:
                raise ClusterError("; ".join(todo.problems))
            for action in todo.actions:
                sentence = action.sentence
                cluster.merge(path_of(action), patch_for(action, snapshot.nodes[action.node]))
            return
        except Unreachable as error:
            last = str(error)
        except Refusal as error:
            if error.status not in (409, 429):
                raise ClusterError(
                    f"{sentence}: the API refused it with {error}; correct the node's tiers, or mend it in Longhorn"
                ) from error
            last = str(error)
    raise ClusterError(f"Longhorn's disks could not be brought in step in {TRIES} tries, last: {last}; run again")


def look(module: AnsibleModule, rehearsal: bool) -> tuple[Cluster | None, Snapshot]:
    """The cluster as it is; a rehearsal may come before there is one."""
    if rehearsal and not os.path.exists(module.params["kubeconfig"]):
        return None, Snapshot()
    cluster = Cluster(module.params["kubeconfig"])
    try:
        return cluster, probe(cluster)
    except Unreachable as error:
        if not rehearsal:
            raise
        module.warn(f"{error}; this rehearsal takes every node as one that is still to come")
        return None, Snapshot()


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if KUBERNETES_PROBLEM:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_PROBLEM)
    rehearsal: bool = module.check_mode
    wanted = [wanted_from(item) for item in module.params["nodes"]]
    try:
        cluster, snapshot = look(module, rehearsal)
        todo = plan(wanted, snapshot.nodes, snapshot.volumes)
        missing = [node.name for node in wanted if node.disks and node.name not in snapshot.nodes]
        problems = list(todo.problems)
        if missing and not rehearsal:
            problems.append(f"{', '.join(missing)} is no node of the cluster; build it first (playbooks/cluster.yml)")
        if problems:
            module.fail_json(msg="no node was changed, since " + "; ".join(problems), problems=problems)
        if cluster is not None and not rehearsal:
            apply(cluster, wanted, snapshot, todo)
    except ClusterError as error:
        module.fail_json(msg=str(error))
    actions = [*todo.actions, *to_come(wanted, snapshot.nodes)]
    for sentence in (*todo.kept, *snapshot.notices):
        module.warn(sentence)
    result: dict[str, Any] = {"kept": list(todo.kept), "notices": list(snapshot.notices)}
    module.exit_json(
        changed=bool(actions),
        actions=[action.as_dict() for action in actions],
        installed=snapshot.installed,
        diff=difference(actions, snapshot.nodes),
        **result,
    )


if __name__ == "__main__":
    main()
