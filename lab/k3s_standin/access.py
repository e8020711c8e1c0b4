# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a request is from, and what it may do: certificates of the client CA, and what a node may touch."""

from __future__ import annotations

from lab.k3s_standin.api.identity import Attributes, RequestIdentity, User

_MASTERS = "system:masters"
_NODES = "system:nodes"
_READ = frozenset({"get", "list", "watch"})
_NODE_READS = frozenset(
    "nodes pods services endpoints configmaps secrets persistentvolumeclaims persistentvolumes namespaces"
    " serviceaccounts runtimeclasses csidrivers csinodes volumeattachments endpointslices".split()
)
_COMPONENTS = frozenset(
    {"system:kube-controller-manager", "system:kube-scheduler", "system:k3s-controller", "k3s-cloud-controller-manager"}
)


def authenticate(identity: RequestIdentity) -> User | None:
    """TLS has verified the certificate already; K3s serves nobody anonymously, so everything else is 401."""
    if identity.common_name is None:
        return None
    return User(identity.common_name, (*identity.organizations, "system:authenticated"))


def authorize(user: User, verb: str, resource: str, attributes: Attributes) -> bool:
    """Administrators everything; nodes what the node authorizer and NodeRestriction leave them."""
    if _MASTERS in user.groups or user.name in _COMPONENTS:
        return True
    if attributes.path is not None or attributes.group in ("authentication.k8s.io", "authorization.k8s.io"):
        return True
    if _NODES in user.groups and user.name.startswith("system:node:"):
        return _node_may(user.name.removeprefix("system:node:"), verb, resource, attributes)
    return user.name == "system:kube-proxy" and verb in _READ


def _node_may(node: str, verb: str, resource: str, attributes: Attributes) -> bool:
    if verb in _READ and resource in _NODE_READS:
        return True
    if resource == "nodes":
        return verb == "create" or (verb in ("update", "patch") and attributes.name == node)
    if resource == "leases":
        return attributes.namespace == "kube-node-lease" and (verb == "create" or attributes.name == node)
    if resource in ("csinodes",):
        return verb == "create" or attributes.name == node
    if resource == "pods":
        return verb == "delete" or (verb in ("update", "patch") and attributes.subresource == "status")
    return resource == "events" and verb in ("create", "update", "patch")
