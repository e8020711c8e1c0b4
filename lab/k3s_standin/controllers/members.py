# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes of servers and etcd's members: a deleted Node takes its member along, a member that caught up gets its vote."""

from __future__ import annotations

from dataclasses import dataclass

from lab.k3s_standin import etcd_members, log
from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.errors import Obj
from lab.k3s_standin.etcd_client import EtcdClient, EtcdError
from lab.k3s_standin.etcd_process import Member

KEYS = ("nodes",)
INTERVAL = 30.0
PROMOTION_INTERVAL = 1.0
ROLE = "node-role.kubernetes.io/etcd"
NAME = "etcd.k3s.cattle.io/node-name"
ADDRESS = "etcd.k3s.cattle.io/node-address"
REMOVE = "etcd.k3s.cattle.io/remove"
REMOVED = "etcd.k3s.cattle.io/removed-node-name"
FINALIZER = "wrangler.cattle.io/managed-etcd-controller"


def names(member: Member) -> dict[str, str]:
    """What a server's Node says about its member."""
    return {NAME: member.name, ADDRESS: member.address}


@dataclass
class EtcdMembers:
    """Runs on the elected server."""

    client: Client
    etcd: EtcdClient

    def sync(self) -> None:
        """Look at all nodes that are members."""
        for node in self.client.list("nodes", label_selector=ROLE):
            metadata = node["metadata"]
            held = FINALIZER in (metadata.get("finalizers") or [])
            if metadata.get("deletionTimestamp"):
                if held:
                    self._remove(node)
                    self.client.change("nodes", metadata["name"], _released)
            elif not held:
                self.client.change("nodes", metadata["name"], _held)
            elif (metadata.get("annotations") or {}).get(REMOVE) == "true":
                self._remove_on_request(node)

    def promote(self) -> None:
        """Give those their vote that have caught up."""
        try:
            etcd_members.promote(self.etcd)
        except EtcdError as error:
            if "in sync with leader" not in str(error):
                log.warning(f"cannot promote a learner: {error}")

    def _remove(self, node: Obj) -> bool:
        name = (node["metadata"].get("annotations") or {}).get(NAME, "")
        return bool(name) and etcd_members.remove(self.etcd, name)

    def _remove_on_request(self, node: Obj) -> None:
        metadata = node["metadata"]
        name = metadata["annotations"].get(NAME, "")
        if self._remove(node):
            self.client.patch("nodes", metadata["name"], {"metadata": {"annotations": {REMOVED: name, REMOVE: None}}})


def _held(node: Obj) -> Obj:
    node["metadata"]["finalizers"] = [*(node["metadata"].get("finalizers") or []), FINALIZER]
    return node


def _released(node: Obj) -> Obj:
    node["metadata"]["finalizers"] = [each for each in node["metadata"].get("finalizers") or [] if each != FINALIZER]
    return node
